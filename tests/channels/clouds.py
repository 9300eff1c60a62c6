"""The two providers of text messages, as strict as the real ones: a request is checked before anything else happens.

Each checks twice: with code written here from the published description of the signature, and with the provider's
own library. Neither shares a line with what is tested.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote

from alibabacloud_openapi_util.client import Client as AlibabaUtil
from tencentcloud.common.sign import Sign as TencentSign

from tests.channels.service import Reply, Request

ALIYUN = {
    "access_key_id": "LTAI5tTownTownTown",
    "access_key_secret": "k3yOfTheTownCentre0001",
    "sign_name": "海城镇应急",
    "template_code": "SMS_154950909",
}
TENCENT = {
    "secret_id": "AKIDz8krbsJ5yTown",
    "secret_key": "Gu5t9xGARNpq86cd98joTown",
    "app_id": "1400006666",
    "sign_name": "海城镇应急",
    "template_id": "449739",
    "region": "ap-guangzhou",
}


class Aliyun:
    """Dysmsapi: signature V3, a quarter of an hour for the date, each nonce once."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.sent: list[dict[str, str]] = []
        self.says = "OK"

    def __call__(self, request: Request) -> Reply:
        fault = self._fault(request)
        if fault:
            return Reply(400, {"Code": fault, "Message": "…", "RequestId": "1"})
        query = dict(parse_qsl(request.raw_query, strict_parsing=True))
        if self.says == "OK":
            self.sent.append(query)
        return Reply(200, {"Code": self.says, "Message": self.says, "BizId": "900619746936498440^0"})

    def _fault(self, request: Request) -> str:
        headers = request.headers
        given = re.fullmatch(
            r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})",
            headers.get("authorization", ""),
        )
        if not given or (headers["x-acs-action"], headers["x-acs-version"]) != ("SendSms", "2017-05-25"):
            return "IncompleteSignature"
        if given[1] != ALIYUN["access_key_id"]:
            return "InvalidAccessKeyId.NotFound"
        at = datetime.strptime(headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if abs(datetime.now(UTC) - at) > timedelta(minutes=15):
            return "InvalidTimeStamp.Expired"
        if given[3] != self._signature(request, given[2].split(";")) or not self._library_agrees(request):
            return "SignatureDoesNotMatch"
        if headers["x-acs-signature-nonce"] in self.seen:
            return "SignatureNonceUsed"
        self.seen.add(headers["x-acs-signature-nonce"])
        return ""

    def _signature(self, request: Request, signed: list[str]) -> str:
        must = {"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"}
        assert must <= set(signed), "a header that is not signed could be changed on the way"
        hashed = hashlib.sha256(request.body).hexdigest()
        assert request.headers["x-acs-content-sha256"] == hashed
        pairs = sorted(parse_qsl(request.raw_query, keep_blank_values=True))
        query = "&".join(quote(name, safe="-_.~") + "=" + quote(value, safe="-_.~") for name, value in pairs)
        canonical = f"{request.method}\n{request.path}\n{query}\n"
        for name in sorted(signed):
            canonical += f"{name}:{request.headers[name].strip()}\n"
        canonical += f"\n{';'.join(sorted(signed))}\n{hashed}"
        to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
        return hmac.new(ALIYUN["access_key_secret"].encode(), to_sign.encode(), hashlib.sha256).hexdigest()

    def _library_agrees(self, request: Request) -> bool:
        headers = {
            name: value for name, value in request.headers.items() if name.startswith("x-acs-") or name == "host"
        }
        asked = _TeaRequest(request.method, request.path, headers, dict(parse_qsl(request.raw_query)))
        theirs = AlibabaUtil.get_authorization(
            asked, "ACS3-HMAC-SHA256", hashlib.sha256(request.body).hexdigest(),
            ALIYUN["access_key_id"], ALIYUN["access_key_secret"],
        )  # fmt: skip
        return bool(theirs == request.headers["authorization"])


class _TeaRequest:
    def __init__(self, method: str, pathname: str, headers: dict[str, str], query: dict[str, str]) -> None:
        self.method, self.pathname, self.headers, self.query = method, pathname, headers, query


class Tencent:
    """SMS 2021-01-11: signature v3, five minutes for the timestamp."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.says = "Ok"

    def __call__(self, request: Request) -> Reply:
        fault = self._fault(request)
        if fault:
            return Reply(200, {"Response": {"Error": {"Code": fault, "Message": "…"}, "RequestId": "1"}})
        if self.says == "Ok":
            self.sent.append(request.json)
        status = {"Code": self.says, "Message": self.says, "PhoneNumber": request.json["PhoneNumberSet"][0], "Fee": 1}
        return Reply(200, {"Response": {"SendStatusSet": [status], "RequestId": "1"}})

    def _fault(self, request: Request) -> str:
        headers = request.headers
        given = re.fullmatch(
            r"TC3-HMAC-SHA256 Credential=([^/]+)/([0-9-]{10})/sms/tc3_request, SignedHeaders=([^,]+), "
            r"Signature=([0-9a-f]{64})",
            headers.get("authorization", ""),
        )
        if not given or (headers["x-tc-action"], headers["x-tc-version"]) != ("SendSms", "2021-01-11"):
            return "AuthFailure.InvalidAuthorization"
        if given[1] != TENCENT["secret_id"]:
            return "AuthFailure.SecretIdNotFound"
        at = datetime.fromtimestamp(int(headers["x-tc-timestamp"]), UTC)
        if abs(datetime.now(UTC) - at) > timedelta(minutes=5) or at.strftime("%Y-%m-%d") != given[2]:
            return "AuthFailure.SignatureExpire"
        to_sign = self._to_sign(request, given[2], given[3].split(";"))
        if not given[4] == self._ours(to_sign, given[2]) == self._theirs(to_sign, given[2]):
            return "AuthFailure.SignatureFailure"
        return ""

    def _to_sign(self, request: Request, date: str, signed: list[str]) -> str:
        assert {"content-type", "host"} <= set(signed), "the description demands these two"
        lines = "".join(f"{name}:{request.headers[name].lower()}\n" for name in sorted(signed))
        canonical = (
            f"{request.method}\n{request.path}\n{request.raw_query}\n{lines}\n{';'.join(sorted(signed))}\n"
            + hashlib.sha256(request.body).hexdigest()
        )
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        return f"TC3-HMAC-SHA256\n{request.headers['x-tc-timestamp']}\n{date}/sms/tc3_request\n{hashed}"

    def _ours(self, to_sign: str, date: str) -> str:
        key = ("TC3" + TENCENT["secret_key"]).encode()
        for part in (date, "sms", "tc3_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()

    def _theirs(self, to_sign: str, date: str) -> str:
        return str(TencentSign.sign_tc3(TENCENT["secret_key"], date, "sms", to_sign))
