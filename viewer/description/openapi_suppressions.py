"""The suppression list in the description of the HTTP API."""

from __future__ import annotations

from viewer.description.openapi_operation import Operation

SUPPRESSION_OPERATIONS = (
    Operation(
        "get",
        "/api/suppressions",
        "Who is not sent to, newest first",
        "Suppressions",
        ("text", "cause", "application", "which", "limit", "cursor"),
        refusals=(400,),
    ),
    Operation(
        "post",
        "/api/suppressions",
        "Send nothing to an address any more",
        "Suppression",
        body="NewSuppression",
        status=201,
        refusals=(400,),
    ),
    Operation("get", "/api/suppressions/{id}", "One entry of the list", "Suppression", refusals=(404,)),
    Operation(
        "delete",
        "/api/suppressions/{id}",
        "Take an entry off the list; the answer is what it was",
        "Suppression",
        ("reason",),
        refusals=(400, 404),
    ),
    Operation(
        "get",
        "/api/suppressions/export",
        "The list as CSV",
        "text/csv",
        ("text", "cause", "application", "which"),
        refusals=(400,),
    ),
    Operation(
        "post",
        "/api/suppressions/import",
        "Add the entries of a CSV file; with a wrong line none of them",
        "Imported",
        body="Import",
        refusals=(400,),
    ),
)
