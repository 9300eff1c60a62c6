"""Alibaba Cloud's text messages: Dysmsapi 2017-05-25 SendSms, signed with ACS3-HMAC-SHA256 (signature V3)."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from fieldapp.channels import Gone, Permanent, Temporary
from fieldapp.channels.outward import Answer
from fieldapp.channels.sms import Params, Prepared

ALGORITHM = "ACS3-HMAC-SHA256"
LATER = ("isv.BUSINESS_LIMIT_CONTROL", "isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL", "isv.SMS_OVER_LIMIT")
GONE = ("isv.MOBILE_NUMBER_ILLEGAL", "isv.DENY_IP_RANGE", "isv.BLACK_LIST_USER")
OURS = ("isv.", "isp.RAM_PERMISSION_DENY", "InvalidAccessKeyId", "SignatureDoesNotMatch", "IncompleteSignature",
        "SignatureNonceUsed", "InvalidTimeStamp", "Forbidden", "NoPermission", "InvalidVersion", "InvalidAction",
        "MissingParameter")  # fmt: skip


def request(settings: Mapping[str, str], host: str, phone: str, params: Params, now: datetime, nonce: str) -> Prepared:
    """The signed request. `nonce` must be new each time: the provider refuses one it has seen."""
    query = {
        "PhoneNumbers": phone,
        "SignName": settings["sign_name"],
        "TemplateCode": settings["template_code"],
        "TemplateParam": json.dumps(
            {"level": params.level, "place": params.place, "code": params.code}, ensure_ascii=False
        ),
    }
    action = {"host": host, "x-acs-action": "SendSms", "x-acs-version": "2017-05-25"}
    keys = settings["access_key_id"], settings["access_key_secret"]
    return sign("POST", query, action, b"", keys, now, nonce)


def sign(
    method: str, query: Mapping[str, str], action: Mapping[str, str], body: bytes, keys: tuple[str, str],
    now: datetime, nonce: str,
) -> Prepared:  # fmt: skip
    """Any request of this API, signed: `action` holds host, x-acs-action and x-acs-version; `keys` id and secret."""
    digest = hashlib.sha256(body).hexdigest()
    headers = {
        **action,
        "x-acs-date": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-content-sha256": digest,
    }
    asked = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(query.items()))
    lines = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
    names = ";".join(sorted(headers))
    canonical = "\n".join((method, "/", asked, lines, names, digest))
    text = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(keys[1].encode(), text.encode(), hashlib.sha256).hexdigest()
    headers["Authorization"] = f"{ALGORITHM} Credential={keys[0]},SignedHeaders={names},Signature={signature}"
    return Prepared(method, f"/?{asked}" if asked else "/", headers, body)


def judge(answer: Answer) -> None:
    """Return when the provider took the message; raise Temporary, Permanent or Gone when not."""
    code = str(answer.json().get("Code", ""))
    if code == "OK" and answer.status_code == 200:
        return
    if code in LATER or code.startswith("Throttling") or answer.status_code == 429:
        raise Temporary(f"too_many:{code or answer.status_code}", answer.retry_after or 60)
    if code in GONE:
        raise Gone(f"unknown_address:{code}")
    if code.startswith(OURS):
        raise Permanent(f"setup:{code}", ours=True)
    raise Temporary(f"unclear:{code or answer.status_code}", answer.retry_after)


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
