"""What is to be said to one person through a gateway, in words the caller already chose."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """One message.

    `link` is the absolute address of the one-time page and `code` its last part: a text message may carry no
    address, so its template holds the fixed part. `severity_word` and `place` are for that template too.
    `urgent` asks the telephone to sound although it is silent, where the service can.
    """

    title: str
    body: str
    link: str
    severity_word: str
    place: str
    code: str
    urgent: bool = True
