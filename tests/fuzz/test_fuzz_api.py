"""Every parameter of every operation of the HTTP API, made from its own description: none is answered 500.

`MAILWITNESS_FUZZ=500` asks for that many random requests each, beside the borderline ones that are always made.
"""

from __future__ import annotations

import json
from typing import Any

import schemathesis
from hypothesis import assume, settings
from schemathesis import GenerationMode
from schemathesis.config import (
    CoveragePhaseConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fuzz.conftest import Served
from viewer.description.openapi import description

PHASES = PhasesConfig(coverage=CoveragePhaseConfig(unexpected_methods=set()))
CONFIG = SchemathesisConfig(seed=1, projects=ProjectsConfig(default=ProjectConfig(phases=PHASES)))
API = schemathesis.openapi.from_dict(description("0"), config=CONFIG)
CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance]


@API.parametrize()
@settings(settings.get_profile("fuzz"))
def test_no_request_is_answered_with_a_failure(served: Served, case: schemathesis.Case[Any]) -> None:
    """Nor with what is not described; what is wrong in the query or the body is refused, with the field named."""
    assert case.meta is not None
    wrong = [part for part, about in case.meta.components.items() if about.mode is GenerationMode.NEGATIVE]
    if ParameterLocation.PATH not in wrong:
        lead_somewhere(case, served)
    response = case.call(base_url=served.url, session=served.program)
    # What is no HTTP, or has too long an address, aiohttp itself refuses before anything of ours sees it.
    assume("x-content-type-options" in response.headers)
    is_wrong = ParameterLocation.QUERY in wrong or ParameterLocation.BODY in wrong
    case.validate_response(response, checks=[*CHECKS, negative_data_rejection] if is_wrong else CHECKS)
    assert response.status_code < 500, response.text
    if response.status_code == 400:
        assert json.loads(response.text)["error"].get("field"), response.text


def lead_somewhere(case: schemathesis.Case[Any], served: Served) -> None:
    """Has most of the path's parameters name what there is: beyond a 404 nothing is tried."""
    kind = case.path.split("/")[2]
    for name, value in case.path_parameters.items():
        known = served.known.get(f"{kind}.{name}") or served.known.get(name)
        chosen = sum(map(ord, str(value)))
        if known and chosen % 8:
            case.path_parameters[name] = known[chosen % len(known)]
