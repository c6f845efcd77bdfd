"""The ESMTP parameters of MAIL and RCPT."""

from __future__ import annotations

import pytest

from relay.intake.parameters import (
    ENVID_LIMIT,
    ORCPT_LIMIT,
    MailParameters,
    ParameterError,
    RcptParameters,
    parse_mail_parameters,
    parse_rcpt_parameters,
)


def test_no_parameters_are_no_parameters():
    assert parse_mail_parameters(b"") == MailParameters()
    assert parse_rcpt_parameters(b"") == RcptParameters()


def test_all_parameters_of_mail_are_read_and_keep_their_case():
    octets = b"size=100 BODY=8bitmime SMTPUTF8 AUTH=e+3Dmc2@example.com RET=hdrs ENVID=QQ314159"
    expected = MailParameters(100, "8BITMIME", True, "e+3Dmc2@example.com", "hdrs", "QQ314159")
    assert parse_mail_parameters(octets) == expected


def test_all_parameters_of_rcpt_are_read_and_keep_their_case():
    octets = b"NOTIFY=Success,DELAY ORCPT=rfc822;Bob@Example.com"
    assert parse_rcpt_parameters(octets) == RcptParameters("Success,DELAY", "rfc822;Bob@Example.com")


def test_the_null_identity_of_auth_is_a_value():
    assert parse_mail_parameters(b"AUTH=<>").auth == "<>"


def test_spaces_between_parameters_do_not_count():
    assert parse_mail_parameters(b"  SIZE=1   BODY=7BIT ") == MailParameters(1, "7BIT")


def test_an_original_recipient_may_be_utf8():
    assert parse_rcpt_parameters("ORCPT=utf-8;jörg@bücher.example".encode()).orcpt == "utf-8;jörg@bücher.example"


@pytest.mark.parametrize("octets", [b"FOO", b"FOO=1", b"NOTIFY=NEVER", b"SIZE=1 X-BAR=2"])
def test_an_unknown_parameter_of_mail_is_555(octets):
    with pytest.raises(ParameterError) as caught:
        parse_mail_parameters(octets)
    assert (caught.value.reply.code, caught.value.reply.enhanced) == (555, "5.5.4")


def test_an_unknown_parameter_of_rcpt_is_555():
    with pytest.raises(ParameterError) as caught:
        parse_rcpt_parameters(b"SIZE=1")
    assert caught.value.reply.code == 555


@pytest.mark.parametrize(
    "octets",
    [
        b"=",
        b"=1",
        b"-A=1",
        b"SIZE=",
        b"SIZE",
        b"SIZE=x",
        b"SIZE=" + b"1" * 21,
        b"SIZE=1 size=2",
        b"SIZE=1=2",
        b"BODY=BINARYMIME",
        b"BODY",
        b"SMTPUTF8=1",
        b"AUTH",
        b"AUTH=a+0",
        b"AUTH=a+3d",
        b"RET=ALL",
        b"ENVID=",
        b"ENVID=" + b"x" * (ENVID_LIMIT + 1),
        b"ENVID=\xff",
        b"SIZE=1\x01",
    ],
)
def test_a_malformed_parameter_of_mail_is_501(octets):
    with pytest.raises(ParameterError) as caught:
        parse_mail_parameters(octets)
    assert (caught.value.reply.code, caught.value.reply.enhanced) == (501, "5.5.4")


@pytest.mark.parametrize(
    "octets",
    [
        b"NOTIFY=",
        b"NOTIFY=ALWAYS",
        b"NOTIFY=NEVER,SUCCESS",
        b"NOTIFY=SUCCESS,",
        b"ORCPT=bob@example.com",
        b"ORCPT=rfc822;",
        b"ORCPT=rfc822;a+zz",
        b"ORCPT=rfc822;" + b"x" * ORCPT_LIMIT,
    ],
)
def test_a_malformed_parameter_of_rcpt_is_501(octets):
    with pytest.raises(ParameterError) as caught:
        parse_rcpt_parameters(octets)
    assert caught.value.reply.code == 501
