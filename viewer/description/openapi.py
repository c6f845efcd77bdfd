"""The description of the HTTP API, OpenAPI 3.1, made from one table: `OPERATIONS`.

Does not serve it (`api/description.py`) and does not check requests by it; a test compares it with the routes and with
real answers. How the answers look is in `schemas.py`.
"""

from __future__ import annotations

import re

from relay.archive.api import SORT_KEYS
from relay.archive.api.waiting import WAITING_STATES
from relay.model.event import Kind
from relay.model.notification import Standing
from relay.model.suppression import Cause
from viewer.deeds import GROUPS
from viewer.description.openapi_erasures import ERASURE_OPERATIONS, ERASURE_SCHEMAS
from viewer.description.openapi_explained import EXPLAINED_OPERATIONS, EXPLAINED_SCHEMAS
from viewer.description.openapi_figures import FIGURE_OPERATIONS, FIGURE_PARAMETERS, FIGURE_PATHS
from viewer.description.openapi_holds import HOLD_OPERATIONS, HOLD_PARAMETERS, HOLD_SCHEMAS
from viewer.description.openapi_operation import Operation as Operation
from viewer.description.openapi_people import PEOPLE_OPERATIONS
from viewer.description.openapi_suppressions import SUPPRESSION_OPERATIONS
from viewer.description.schemas import COUNT, DAY, TEXT, ULID, Json, ref
from viewer.description.schemas import SCHEMAS as MESSAGE_SCHEMAS
from viewer.description.schemas_facts import FACT_SCHEMAS
from viewer.description.schemas_figures import FIGURE_SCHEMAS
from viewer.description.schemas_grid import GRID_SCHEMAS
from viewer.description.schemas_people import PEOPLE_SCHEMAS
from viewer.description.schemas_queue import QUEUE_SCHEMAS
from viewer.description.schemas_submit import SUBMIT_SCHEMAS
from viewer.work.bulk_kinds import KINDS
from viewer.work.operations import OPERATIONS as QUEUE_OPERATIONS
from viewer.work.suppressions import Which

SCHEMAS: dict[str, Json] = MESSAGE_SCHEMAS | QUEUE_SCHEMAS | GRID_SCHEMAS | FACT_SCHEMAS | SUBMIT_SCHEMAS
SCHEMAS |= FIGURE_SCHEMAS | PEOPLE_SCHEMAS | EXPLAINED_SCHEMAS
SCHEMAS |= FIGURE_SCHEMAS | HOLD_SCHEMAS | ERASURE_SCHEMAS


PARAMETERS: dict[str, tuple[Json, str]] = {
    **FIGURE_PARAMETERS,
    **HOLD_PARAMETERS,
    "q": (TEXT, "Search; everything without it. The language is the grid's."),
    "sort": ({"enum": list(SORT_KEYS), "default": "date"}, "What the messages are sorted by."),
    "order": ({"enum": ["desc", "asc"], "default": "desc"}, "In which direction."),
    "limit": ({"type": "integer", "minimum": 1, "maximum": 1000}, "Most rows in one answer; messages: 500."),
    "cursor": (TEXT, "`next` or `previous` of an answer to the same search and order."),
    "at": (COUNT, "Where in the search the cursor stands; at its end without it."),
    "after": (COUNT, "Only events with a greater number."),
    "attempt": ({"type": "integer", "minimum": 1}, "The number of the attempt; without it, the latest."),
    "inline": ({"enum": ["1"]}, "Show instead of save; only for PNG, JPEG, GIF and WebP images."),
    "text": (TEXT, "Somewhere in the address or the reason, whatever the case."),
    "cause": ({"enum": [cause.value for cause in Cause]}, "Only entries of this cause."),
    "application": (TEXT, "Only of this application; of suppressions, empty: those that hold for all."),
    "state": ({"enum": [state.value for state in WAITING_STATES]}, "Only deliveries in this state."),
    "lane": (TEXT, "Only deliveries that wait in this route."),
    "upstream": (TEXT, "Only deliveries for this upstream: chosen for them, or of the latest attempt."),
    "domain": (TEXT, "Only deliveries to recipients of this domain."),
    "which": ({"enum": list(Which), "default": Which.IN_FORCE}, "Entries in force, or those that ran out."),
    "standing": ({"enum": list(Standing)}, "Only notifications that stand so."),
    "reason": (TEXT, "For those who ask later."),
    "actor": (TEXT, "Only what this actor did: `user:anna`, or `anna`."),
    "message": ({"anyOf": [ULID, {"enum": [""]}]}, "Only what was done with this message."),
    "kind": ({"enum": [*GROUPS, *Kind]}, "Only these: a group of kinds, or a kind of event."),
    "from": (DAY, "From this day on, UTC."),
    "to": (DAY, "Up to the end of this day, UTC."),
    "reports": ({"enum": ["whole"]}, "Also reports of the provider that tell of other messages."),
    "requests": ({"enum": ["open", "all"], "default": "open"}, "Those that wait, or those that were decided too."),
    "format": ({"enum": ["zip", "mbox", "csv", "eml"], "default": "zip"}, "`eml` only when one message matches."),
}
PATH_PARAMETERS: dict[str, Json] = {
    **FIGURE_PATHS,
    "id": ULID,
    "delivery_id": ULID,
    "number": COUNT,
    "name": TEXT,
    "operation": {"enum": list(QUEUE_OPERATIONS)},
    "kind": {"enum": list(KINDS)},
}

OPERATIONS = (
    *FIGURE_OPERATIONS,
    *PEOPLE_OPERATIONS,
    *EXPLAINED_OPERATIONS,
    *SUPPRESSION_OPERATIONS,
    *HOLD_OPERATIONS,
    *ERASURE_OPERATIONS,
    Operation("get", "/api/messages", "Search", "Messages", ("q", "sort", "order", "limit", "cursor"), refusals=(400,)),
    Operation("get", "/api/suggest", "Completions of a word of a search", "Suggestions", ("q", "at"), refusals=(400,)),
    Operation(
        "post",
        "/api/messages",
        "Send a message. Also as message/rfc822, with `to`, `sender`, `tag`, `application` in the query. With a field "
        "Idempotency-Key the same request again within 24 hours is answered the same, and sends nothing",
        "Submitted",
        body="NewMessage",
        status=202,
        refusals=(400, 409, 413, 422, 429, 503),
    ),
    Operation("get", "/api/messages/{id}", "One message", "Message", refusals=(404,)),
    Operation(
        "get", "/api/messages/{id}/events", "What happened to it", "Events", ("after", "limit"), refusals=(400, 404)
    ),
    Operation("get", "/api/messages/{id}/content", "The original, octet for octet", "message/rfc822", refusals=(404,)),
    Operation(
        "get",
        "/api/messages/{id}/deliveries/{delivery_id}/content",
        "The copy as it was sent, rebuilt and checked",
        "message/rfc822",
        ("attempt",),
        refusals=(404,),
    ),
    Operation(
        "get",
        "/api/messages/{id}/deliveries/{delivery_id}",
        "One delivery: the edits of a copy, its signatures, pixel and links with their fetches",
        "SentDelivery",
        ("attempt",),
        refusals=(400, 404),
    ),
    Operation(
        "get",
        "/api/messages/{id}/evidence",
        "Facts with proofs",
        "application/zip",
        ("reports",),
        refusals=(400, 404, 503),
    ),
    Operation("get", "/api/messages/{id}/parts", "Its MIME parts", "Parts", refusals=(404,)),
    Operation(
        "get",
        "/api/messages/{id}/parts/{number}",
        "The decoded data of one part",
        "*/*",
        ("inline",),
        refusals=(404,),
    ),
    Operation(
        "post",
        "/api/messages/{id}/resend",
        "Send again, exactly or edited",
        "Resent",
        body="Resend",
        status=202,
        refusals=(400, 404, 409),
    ),
    Operation(
        "post",
        "/api/messages/{id}/resend/preview",
        "The edited copy that would be sent, octet for octet; nothing is sent",
        "message/rfc822",
        body="Resend",
        refusals=(400, 404),
    ),
    Operation(
        "post",
        "/api/messages/{id}/approve",
        "Send what is held",
        "Decided",
        status=202,
        refusals=(404, 409),
    ),
    Operation("post", "/api/messages/{id}/reject", "Never send what is held", "Decided", refusals=(404, 409)),
    Operation(
        "delete",
        "/api/messages/{id}",
        "Delete its content for good (200), or ask for it where another person has to approve (202)",
        "DeletionAsked",
        ("reason",),
        refusals=(400, 404, 409),
    ),
    Operation(
        "post",
        "/api/messages/{id}/tags",
        "Put tags on it, take tags off",
        "Tags",
        body="TagChange",
        refusals=(400, 404),
    ),
    Operation(
        "get",
        "/api/audit",
        "What people did, newest first, each in a sentence",
        "Deeds",
        ("actor", "kind", "message", "from", "to", "limit", "cursor"),
        refusals=(400,),
    ),
    Operation("get", "/api/settings", "Every key of the configuration as it holds, with who gave it", "Settings"),
    Operation("get", "/api/alerts", "The alerts that stand, newest first", "Alerts"),
    Operation(
        "get",
        "/api/deletions",
        "Requests for deletion, newest first",
        "DeletionRequests",
        ("requests", "limit", "cursor"),
        refusals=(400,),
    ),
    Operation(
        "post",
        "/api/deletions/{id}/approve",
        "Delete what another person asked for",
        "DeletionAsked",
        refusals=(404, 409),
    ),
    Operation(
        "post",
        "/api/deletions/{id}/refuse",
        "Close a request without deleting",
        "DeletionRequest",
        ("reason",),
        refusals=(400, 404, 409),
    ),
    Operation("get", "/api/endpoints", "How each endpoint does", "Endpoints"),
    Operation(
        "get",
        "/api/endpoints/{name}/notifications",
        "What an endpoint was told, newest first",
        "Notifications",
        ("standing", "limit", "cursor"),
        refusals=(400, 404),
    ),
    Operation(
        "post",
        "/api/endpoints/{name}/replay",
        "Tell an endpoint again: some, all that was given up, or all since a time",
        "Replayed",
        body="Replay",
        status=202,
        refusals=(400, 404),
    ),
    Operation(
        "post",
        "/api/endpoints/{name}/try",
        "Tell an endpoint of nothing, as a trial",
        "Tried",
        status=202,
        refusals=(404,),
    ),
    Operation("get", "/api/messages/{id}/reports", "What came back about it", "Reports", refusals=(404,)),
    Operation("get", "/api/payloads/{id}", "What came, as it came", "Payload", refusals=(404,)),
    Operation(
        "get",
        "/api/queue",
        "What waits, oldest first, and why",
        "Queue",
        ("q", "state", "lane", "upstream", "application", "domain", "limit", "cursor"),
        refusals=(400,),
    ),
    Operation("get", "/api/queue/groups", "What waits, counted", "QueueGroups"),
    Operation(
        "post",
        "/api/queue/{operation}",
        "Change some of what waits",
        "QueueChanged",
        body="QueueChange",
        refusals=(400, 404, 409),
    ),
    Operation(
        "post",
        "/api/queue/{operation}/all",
        "Change all that match, in the background",
        "QueueJob",
        body="QueueChangeAll",
        status=202,
        refusals=(400, 404, 409),
    ),
    Operation("get", "/api/queue/jobs/{id}", "How far such a change is", "QueueJob", refusals=(404,)),
    Operation("post", "/api/queue/jobs/{id}/stop", "Stop it; what was changed stays", "QueueJob", refusals=(404,)),
    Operation(
        "post",
        "/api/bulk/{kind}",
        "Do one thing with many messages, in the background",
        "BulkBegun",
        body="Bulk",
        status=202,
        refusals=(400, 404, 409),
    ),
    Operation("get", "/api/views", "One's saved views, and those that are shared", "Views"),
    Operation("post", "/api/views", "Save a view", "View", body="NewView", status=201, refusals=(400,)),
    Operation("put", "/api/views/{id}", "Change a view", "View", body="NewView", refusals=(400, 404)),
    Operation("delete", "/api/views/{id}", "Remove a view; the answer is what it was", "View", refusals=(404,)),
    Operation(
        "get",
        "/api/mailings",
        "The mailings of which a search finds a message, newest first",
        "Mailings",
        ("q", "limit", "cursor"),
        refusals=(400,),
    ),
    Operation("get", "/api/tasks/{id}", "How far such a task is", "BulkTask", refusals=(404,)),
    Operation("post", "/api/tasks/{id}/stop", "Stop it; what was done stays", "BulkTask", refusals=(404,)),
    Operation("get", "/api/upstreams", "How each upstream does, and what is paused", "Upstreams"),
    Operation("post", "/api/pause", "Pause sending", "Upstreams", body="Pause", refusals=(400,)),
    Operation("post", "/api/resume", "Send again", "Upstreams", body="Resume", refusals=(400,)),
    Operation("get", "/api/applications", "The mode of each application", "Applications"),
    Operation(
        "put",
        "/api/applications/{name}/mode",
        "Switch an application's mode, or go back to what is configured",
        "ApplicationMode",
        body="ModeChange",
        refusals=(400, 404),
    ),
    Operation("get", "/api/events", "The journal", "Events", ("after", "limit"), refusals=(400,)),
    Operation(
        "get",
        "/api/export",
        "A search as one file",
        "application/zip application/mbox text/csv message/rfc822",
        ("q", "format"),
        refusals=(400,),
    ),
    Operation("get", "/api/openapi.json", "This description", "application/json"),
)


def description(version: str) -> Json:
    """The OpenAPI document."""
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mailwitness",
            "version": version,
            "description": "Times are RFC 3339 in UTC. A bearer token comes from `mailwitness token add`. A request "
            "that changes something with a session instead carries the page's token as X-CSRF-Token.",
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "mailwitness"},
            },
        },
        "security": [{"token": []}, {"session": []}],
    }


def _operation(operation: Operation) -> Json:
    described: Json = {
        "operationId": _identifier(operation),
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation.path), *map(_query_parameter, operation.parameters)],
        "responses": {str(operation.status): _answer(operation.answer)}
        | {str(status): _answer("Error") for status in sorted({401, 403, *operation.refusals})},
    }
    if operation.body:
        described["requestBody"] = {"content": {"application/json": {"schema": ref(operation.body)}}}
    return described


def _identifier(operation: Operation) -> str:
    """`get /api/messages/{id}/parts` -> `get_messages_id_parts`."""
    return "_".join([operation.method, *re.findall(r"\w+", operation.path.removeprefix("/api"))])


def _path_parameters(path: str) -> list[Json]:
    names = re.findall(r"{(\w+)}", path)
    return [{"name": name, "in": "path", "required": True, "schema": PATH_PARAMETERS[name]} for name in names]


def _query_parameter(name: str) -> Json:
    schema, meaning = PARAMETERS[name]
    return {"name": name, "in": "query", "schema": schema, "description": meaning}


def _answer(name: str) -> Json:
    if "/" in name:
        return {"description": "As asked for", "content": {kind: {} for kind in name.split()}}
    meaning = "Refused" if name == "Error" else "As asked for"
    return {"description": meaning, "content": {"application/json": {"schema": ref(name)}}}
