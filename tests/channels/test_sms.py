"""Text messages: the signatures that the providers check, what the message says, and what their refusals mean."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from fieldapp import clock
from fieldapp.channels import Gone, Permanent, Temporary, aliyun, sms, tencent
from fieldapp.channels.gateways import Message
from fieldapp.channels.outward import Journey, Rules
from tests.channels import clouds
from tests.channels.conftest import MESSAGE, Serve, refusal, send
from tests.channels.service import Reply, Service

pytestmark = pytest.mark.onedb

PHONE = "13812341234"
BOTH = pytest.mark.parametrize(
    ("kind", "settings", "cloud"),
    [("sms_aliyun", clouds.ALIYUN, clouds.Aliyun), ("sms_tencent", clouds.TENCENT, clouds.Tencent)],
)


def test_aliyuns_published_example_is_signed_alike() -> None:
    """help.aliyun.com, «V3版本请求体&签名机制», the fixed parameters."""
    made = aliyun.sign(
        "POST",
        {"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"},
        {"host": "ecs.cn-shanghai.aliyuncs.com", "x-acs-action": "RunInstances", "x-acs-version": "2014-05-26"},
        b"",
        ("YourAccessKeyId", "YourAccessKeySecret"),
        datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC),
        "3156853299f313e23d1673dc12e1703d",
    )
    assert made.headers["Authorization"].endswith(
        "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


@pytest.mark.parametrize(
    ("keys", "signature"),
    [
        (("AKID" + "*" * 32, "*" * 32), "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"),
        (
            ("AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******", "Gu5t9xGARNpq86cd98joQYCN3*******"),
            "be4f67d323c78ab9acb7395e43c0dbcf822a9cfac32fea2449a7bc7726b770a3",
        ),
    ],
)
def test_tencents_published_example_is_signed_alike(keys: tuple[str, str], signature: str) -> None:
    """cloud.tencent.com/document/api/213/30654: the stars are part of the example's key, in both editions of it."""
    body = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    made = tencent.sign(
        "cvm", "cvm.tencentcloudapi.com", {"X-TC-Action": "DescribeInstances"}, body, keys,
        datetime.fromtimestamp(1551113065, UTC),
    )  # fmt: skip
    assert made.headers["Authorization"].endswith(f"SignedHeaders=content-type;host;x-tc-action, Signature={signature}")


def test_aliyun_takes_it(serve: Serve) -> None:
    cloud = clouds.Aliyun()
    send("sms_aliyun", clouds.ALIYUN, PHONE, serve(cloud))
    [sent] = cloud.sent
    assert sent["PhoneNumbers"] == PHONE
    assert sent["SignName"] == "海城镇应急"
    assert json.loads(sent["TemplateParam"]) == {"level": "红", "place": "南门社区", "code": "Zk3-x_9Q"}


def test_tencent_takes_it(serve: Serve) -> None:
    cloud = clouds.Tencent()
    send("sms_tencent", clouds.TENCENT, PHONE, serve(cloud))
    [sent] = cloud.sent
    assert sent["PhoneNumberSet"] == ["+8613812341234"]
    assert sent["TemplateParamSet"] == ["红", "南门社区", "Zk3-x_9Q"]


def test_no_variable_carries_an_address() -> None:
    """The mainland's operators refuse a message whose variable looks like one; the template holds the fixed part."""
    sly = Message("t", "b", MESSAGE.link, "红", "http://evil.example/x 南门（东）" + "很" * 40, "Zk3-x_9Q")
    said = sms.variables(sly)
    assert not set("/.:") & set(said.place + said.code)
    assert len(said.place) <= 20
    with pytest.raises(Permanent):
        sms.variables(Message("t", "b", MESSAGE.link, "红", "南门", MESSAGE.link))


@BOTH
def test_a_wrong_secret_is_our_fault_and_costs_nobody_the_number(
    serve: Serve, kind: str, settings: dict[str, str], cloud: type[clouds.Aliyun]
) -> None:
    secret = "access_key_secret" if kind == "sms_aliyun" else "secret_key"
    service = serve(cloud())
    for wrong in ({secret: "not-the-secret-at-all"}, {next(iter(settings)): "LTAIsomebodyElse"}):
        error = refusal(kind, {**settings, **wrong}, PHONE, service)
        assert isinstance(error, Permanent)
        assert error.ours
        assert not isinstance(error, Gone)


@BOTH
def test_a_clock_that_is_wrong_is_our_fault(
    serve: Serve, kind: str, settings: dict[str, str], cloud: type[clouds.Aliyun]
) -> None:
    with pytest.raises(Permanent) as caught:
        send_at(kind, settings, serve(cloud()), clock.now() - timedelta(hours=1), "a")
    assert caught.value.ours


def test_aliyun_refuses_a_nonce_it_has_seen(serve: Serve) -> None:
    service = serve(clouds.Aliyun())
    send_at("sms_aliyun", clouds.ALIYUN, service, clock.now(), "the-same")
    with pytest.raises(Permanent, match="SignatureNonceUsed"):
        send_at("sms_aliyun", clouds.ALIYUN, service, clock.now(), "the-same")


def test_ours_never_repeats_one(serve: Serve) -> None:
    cloud = clouds.Aliyun()
    service = serve(cloud)
    for _ in range(5):
        send("sms_aliyun", clouds.ALIYUN, PHONE, service)
    assert len(cloud.sent) == len(cloud.seen) == 5


@pytest.mark.parametrize(
    ("says", "meaning", "ours"),
    [
        ("isv.BUSINESS_LIMIT_CONTROL", Temporary, False),
        ("isp.SYSTEM_ERROR", Temporary, False),
        ("a code of next year", Temporary, False),
        ("isv.MOBILE_NUMBER_ILLEGAL", Gone, False),
        ("isv.SMS_SIGNATURE_ILLEGAL", Permanent, True),
        ("isv.AMOUNT_NOT_ENOUGH", Permanent, True),
        ("isv.PARAM_NOT_SUPPORT_URL", Permanent, True),
    ],
)
def test_what_aliyun_says(serve: Serve, says: str, meaning: type[Exception], ours: bool) -> None:
    cloud = clouds.Aliyun()
    cloud.says = says
    error = refusal("sms_aliyun", clouds.ALIYUN, PHONE, serve(cloud))
    assert type(error) is meaning
    assert getattr(error, "ours", False) is ours


@pytest.mark.parametrize(
    ("says", "meaning", "ours"),
    [
        ("LimitExceeded.PhoneNumberThirtySecondLimit", Temporary, False),
        ("LimitExceeded.PhoneNumberDailyLimit", Temporary, False),
        ("InternalError.SendAndRecvFail", Temporary, False),
        ("a code of next year", Temporary, False),
        ("InvalidParameterValue.IncorrectPhoneNumber", Gone, False),
        ("FailedOperation.PhoneNumberInBlacklist", Gone, False),
        ("FailedOperation.InsufficientBalanceInSmsPackage", Permanent, True),
        ("FailedOperation.TemplateIncorrectOrUnapproved", Permanent, True),
    ],
)
def test_what_tencent_says(serve: Serve, says: str, meaning: type[Exception], ours: bool) -> None:
    cloud = clouds.Tencent()
    cloud.says = says
    error = refusal("sms_tencent", clouds.TENCENT, PHONE, serve(cloud))
    assert type(error) is meaning
    assert getattr(error, "ours", False) is ours


@BOTH
def test_nonsense_is_tried_again(serve: Serve, kind: str, settings: dict[str, str], cloud: object) -> None:
    for nonsense in (b"", b"[]", b"null", b'{"Response": 7}', b'{"Response": {"SendStatusSet": [3]}}', b"\xff"):
        service = serve(lambda request, said=nonsense: Reply(200, said))  # type: ignore[misc]
        assert isinstance(refusal(kind, settings, PHONE, service), Temporary)


def send_at(kind: str, settings: dict[str, str], service: Service, now: datetime, nonce: str) -> None:
    """A text message at a given instant with a given nonce."""
    provider: sms.Provider = aliyun if kind == "sms_aliyun" else tencent  # type: ignore[assignment]
    journey = Journey(service.address, Rules((), allow_loopback=True), 8)
    journey.run(lambda: sms.send(provider, settings, PHONE, MESSAGE, journey, now, nonce))
