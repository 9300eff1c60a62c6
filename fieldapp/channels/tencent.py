"""Tencent Cloud's text messages: SMS 2021-01-11 SendSms, signed with TC3-HMAC-SHA256 (signature v3)."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from fieldapp.channels import Gone, Permanent, Temporary
from fieldapp.channels.outward import Answer
from fieldapp.channels.sms import Params, Prepared

ALGORITHM = "TC3-HMAC-SHA256"
JSON = "application/json; charset=utf-8"
LATER = ("LimitExceeded", "RequestLimitExceeded")
GONE = ("InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.PhoneNumberInBlacklist",
        "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter.Phone")  # fmt: skip
UNKNOWN = ("InternalError", "FailedOperation.FailResolvePacket", "FailedOperation.JsonParseFail", "ResourceUnavailable")
OURS = ("AuthFailure", "UnauthorizedOperation", "FailedOperation", "InvalidParameter", "MissingParameter",
        "UnsupportedOperation", "UnsupportedRegion", "UnknownParameter", "InvalidAction", "NoSuchVersion")  # fmt: skip


def request(settings: Mapping[str, str], host: str, phone: str, params: Params, now: datetime, nonce: str) -> Prepared:
    """The signed request. This API knows no nonce: its signature is good for five minutes."""
    asked = {
        "PhoneNumberSet": [f"+86{phone}"],
        "SmsSdkAppId": settings["app_id"],
        "SignName": settings["sign_name"],
        "TemplateId": settings["template_id"],
        "TemplateParamSet": [params.level, params.place, params.code],
    }
    headers = {
        "X-TC-Action": "SendSms",
        "X-TC-Version": "2021-01-11",
        "X-TC-Region": settings.get("region") or "ap-guangzhou",
    }
    body = json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode()
    return sign("sms", host, headers, body, (settings["secret_id"], settings["secret_key"]), now)


def sign(
    service: str, host: str, headers: Mapping[str, str], body: bytes, keys: tuple[str, str], now: datetime
) -> Prepared:
    """Any JSON request of this API, signed: `headers` hold X-TC-Action and the like; `keys` are id and secret."""
    at = int(now.timestamp())
    date = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
    digest = hashlib.sha256(body).hexdigest()
    action = headers["X-TC-Action"].lower()
    lines, names = f"content-type:{JSON}\nhost:{host}\nx-tc-action:{action}\n", "content-type;host;x-tc-action"
    canonical = "\n".join(("POST", "/", "", lines, names, digest))
    scope = f"{date}/{service}/tc3_request"
    text = f"{ALGORITHM}\n{at}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = _hmac(_key(keys[1], date, service), text).hex()
    credential = f"{ALGORITHM} Credential={keys[0]}/{scope}, SignedHeaders={names}, Signature={signature}"
    sent = {"Content-Type": JSON, "Host": host, "X-TC-Timestamp": str(at), **headers, "Authorization": credential}
    return Prepared("POST", "/", sent, body)


def judge(answer: Answer) -> None:
    """Return when the provider took the message; raise Temporary, Permanent or Gone when not."""
    code = _code(answer)
    if code == "Ok" and answer.status_code == 200:
        return
    if code.startswith(LATER) or answer.status_code == 429:
        raise Temporary(f"too_many:{code or answer.status_code}", answer.retry_after or _wait(code))
    if code in GONE:
        raise Gone(f"unknown_address:{code}")
    if code.startswith(OURS) and not code.startswith(UNKNOWN):
        raise Permanent(f"setup:{code}", ours=True)
    raise Temporary(f"unclear:{code or answer.status_code}", answer.retry_after)


def _code(answer: Answer) -> str:
    """The error of the whole request, or else what became of the one number."""
    said = answer.json().get("Response")
    said = said if isinstance(said, dict) else {}
    if error := said.get("Error"):
        return str(error.get("Code", "")) if isinstance(error, dict) else ""
    statuses = said.get("SendStatusSet")
    first = statuses[0] if isinstance(statuses, list) and statuses else None
    return str(first.get("Code", "")) if isinstance(first, dict) else ""


def _wait(code: str) -> float:
    return 30.0 if code.endswith("ThirtySecondLimit") else 60.0


def _key(secret: str, date: str, service: str) -> bytes:
    return _hmac(_hmac(_hmac(f"TC3{secret}".encode(), date), service), "tc3_request")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
