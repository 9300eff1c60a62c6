"""Which kinds of events are of public things, so that people nearby may be told that one was reported.

A kind is named here or it is not shown. Left out on purpose: disputes and help (they are about somebody), fire safety
(a stairwell is a household's), building (somebody's house), unsafe places (nobody is told whose lock is broken), and
`other`, which may be anything. The finer kinds are named one by one, because a kind that is added later is not public
before somebody has thought about it.
"""

OF_PUBLIC_THINGS = frozenset(
    {
        "facility", "facility-1", "facility-2", "facility-3",  # manhole, street light, railing
        "traffic",
        "street", "street-1", "street-2", "street-3",  # waste, standing water, blocked pavement
        "nature", "nature-1", "nature-2", "nature-3",  # flooding, fallen tree, landslide
    }
)  # fmt: skip


def may_be_shown(code: str | None) -> bool:
    """True for kinds of public things; a case without a kind is never shown."""
    return code in OF_PUBLIC_THINGS
