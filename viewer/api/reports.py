"""What came back: the reports about a message, and each payload as it came."""

from __future__ import annotations

import base64

from aiohttp import web

from relay.archive.api.report import StoredReport
from relay.model.access import Permission
from viewer.api.shape import Json, time
from viewer.keys import ID
from viewer.security import archive_of, require

routes = web.RouteTableDef()


@routes.get(f"/api/messages/{ID}/reports")
async def reports(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    archive, message_id = archive_of(request), request.match_info["id"]
    await archive.listing(message_id)
    return web.json_response({"reports": [_report(one) for one in await archive.reports(message_id)]})


@routes.get(f"/api/payloads/{ID}")
async def payload(request: web.Request) -> web.Response:
    require(request, Permission.READ, Permission.BODY)
    found = await archive_of(request).payload(request.match_info["id"])
    return web.json_response(
        {
            "id": found.id,
            "received_at": time(found.received_at),
            "source": found.source,
            "grade": found.grade.value,
            "verdict": found.verdict,
            "peer": found.peer,
            "headers": [{"name": name, "value": value} for name, value in found.headers.items()],
            "body": base64.b64encode(found.body).decode("ascii"),
        }
    )


def _report(one: StoredReport) -> Json:
    report = one.report
    return {
        "id": report.id,
        "payload_id": report.payload_id,
        "at": time(report.at),
        "kind": report.kind.value,
        "delivery_id": one.delivery_id,
        "recipient": report.recipient,
        "source": one.source,
        "grade": one.grade.value,
        "verdict": one.verdict,
        "bounce": report.bounce.value if report.bounce else None,
        "status": report.status,
        "diagnostic": report.diagnostic,
        "explanation": report.explanation,
        "action": report.action,
        "provider_id": report.provider_id,
    }
