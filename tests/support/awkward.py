"""Hypothesis strategies for octets that look like mail, and go wrong as mail does; and a few whole messages."""

from __future__ import annotations

from hypothesis import strategies as st

PIECES = [
    *(b"\r\n", b"\n", b"\r", b"\r\r\n", b"\r\n\r\n", b" ", b"\t", b"\0", b"\xff", b"\xc3\xa4", b"a", b"--", b";", b":"),
    *(b"Subject: ", b"To: ", b"Content-Type: ", b"Content-Disposition: ", b"Content-Transfer-Encoding: base64\r\n"),
    *(b"Content-Transfer-Encoding: quoted-printable\r\n", b"X-Mailwitness-Tag: t\r\n", b"Date: ", b"X-SMTPAPI: {"),
    *(
        b"multipart/mixed; boundary=b\r\n\r\n",
        b'multipart/alternative; boundary="bb"\r\n\r\n',
        b"message/rfc822\r\n\r\n",
    ),
    *(b"text/html; charset=utf-8\r\n", b"text/plain; charset=zlib\r\n", b"multipart/digest; boundary=b\r\n\r\n"),
    *(b"\r\n--b\r\n", b"\r\n--b--\r\n", b"--b\r\n", b"\n--bb\n", b"\r--bb--\r", b"\r\n--b  \r\n", b"--bb--"),
    *(b"=?utf-8?q?", b"=?x?b?", b"?=", b"=C3", b"=\r\n", b"w6Q=", b'"', b"\\", b"<", b">", b"(", b")", b",", b"@"),
    *(b"<p>", b"<!--", b"-->", b"</p>", b"<script>", b"&amp;", b"&#", b"filename*0*=utf-8''%e4; ", b"name=", b"x" * 90),
]

octets = st.one_of(
    st.binary(max_size=200),
    st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=3)), max_size=60).map(b"".join),
)
"""Any octets, and mail-like ones."""

ALTERNATIVE = (
    b"From: Shop <shop@example.com>\r\nTo: Jo <jo@example.net>\r\nSubject: Order\r\nMIME-Version: 1.0\r\n"
    b"DKIM-Signature: v=1; b=abc\r\n d=example.com\r\n"
    b'Content-Type: multipart/mixed; boundary="outer"\r\n\r\nFor old readers.\r\n'
    b"--outer\r\nContent-Type: multipart/related; boundary=inner\r\n\r\n"
    b"--inner\r\nContent-Type: multipart/alternative; boundary=alt\r\n\r\n"
    b"--alt\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-MD5: x\r\n\r\nGr\xfc\xdfe\r\n"
    b"--alt\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+SGk8L3A+\r\n--alt--\r\n"
    b"--inner\r\nContent-Type: image/png; name=logo.png\r\nContent-ID: <logo@example>\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--inner--\r\n"
    b'--outer\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="bill 7.pdf"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n"
    b"--outer\r\nContent-Type: message/rfc822\r\n\r\nSubject: within\r\n\r\ninner text\r\n"
    b"--outer--\r\nepilogue\r\n"
)
"""mixed(related(alternative(1 text, html), image), pdf, message(text)): numbers 0 to 8, depth first."""
