"""People and what is set in the browser, in the description of the HTTP API."""

from __future__ import annotations

from viewer.description.openapi_operation import Operation

_REMOVED = "; the answer is what it was"

PEOPLE_OPERATIONS = (
    Operation("get", "/api/users", "Who may sign in", "Users"),
    Operation("post", "/api/users", "Add a person", "User", body="NewUser", status=201, refusals=(400,)),
    Operation("get", "/api/users/{name}", "One person", "User", refusals=(404,)),
    Operation(
        "put", "/api/users/{name}", "Change what a person may", "User", body="UserChange", refusals=(400, 404, 409)
    ),
    Operation("delete", "/api/users/{name}", f"Remove a person{_REMOVED}", "User", refusals=(404, 409)),
    Operation("get", "/api/roles", "Roles, with what each may do", "Roles"),
    Operation("put", "/api/roles/{name}", "Add or change a role", "Role", body="RoleChange", refusals=(400,)),
    Operation("delete", "/api/roles/{name}", f"Remove a role{_REMOVED}", "Role", refusals=(404, 409)),
    Operation("get", "/api/groups", "Groups, with who is in each", "Groups"),
    Operation("put", "/api/groups/{name}", "Add or change a group", "Group", body="GroupChange", refusals=(400,)),
    Operation("delete", "/api/groups/{name}", f"Remove a group{_REMOVED}", "Group", refusals=(404,)),
    Operation("get", "/api/references", "The references that are looked for", "References"),
    Operation(
        "put",
        "/api/references/{name}",
        "Add or replace a reference",
        "Reference",
        body="ReferenceChange",
        refusals=(400, 409),
    ),
    Operation("delete", "/api/references/{name}", f"Remove a reference{_REMOVED}", "Reference", refusals=(404, 409)),
    Operation("get", "/api/alerts/rules", "The rules by which alerts are raised", "AlertRules"),
    Operation(
        "put",
        "/api/alerts/rules/{name}",
        "Add or replace a rule",
        "AlertRule",
        body="AlertRuleChange",
        refusals=(400, 409),
    ),
    Operation("delete", "/api/alerts/rules/{name}", f"Remove a rule{_REMOVED}", "AlertRule", refusals=(404, 409)),
    Operation(
        "get",
        "/api/applications/{name}/settings",
        "What is set of an application",
        "ApplicationSettings",
        refusals=(404,),
    ),
    Operation(
        "put",
        "/api/applications/{name}/settings",
        "Replace what is set of an application",
        "ApplicationSettings",
        body="ApplicationSettingsChange",
        refusals=(400, 404, 409),
    ),
)
