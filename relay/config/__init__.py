"""The configuration: frozen models. One table of the TOML file is one model; one key is one field with its limits.

The tables stand in the files `intake`, `sending`, `returning`, `access`, `ledger`, `encryption` and `house`. Reading
the file and the environment, and saying everything that is wrong at once, is the work of `settings.py`; rules about
several keys together are in `checks.py`; what a value should have been, in words, in `expectation.py`.
"""

from __future__ import annotations

from relay.config.access import Oidc
from relay.config.encryption import Encryption
from relay.config.house import DEFAULT_NAME, Alert, ArchiveTable, Config, Mask, Metrics, Reference, Viewer
from relay.config.intake import Application, Listener, Smtp, TlsPolicy
from relay.config.ledger import Ledger
from relay.config.live import LiveConfig
from relay.config.returning import Bounces, Endpoint, Imap, Suppression, Tracking, WebhookSource
from relay.config.sending import Choice, Delivery, Dkim, DkimKey, Provider, Route, Trace, Upstream
from relay.config.values import SENDER_RULE, Address, Count, Duration, Expected, Name, Network, Port, Size, Table

__all__ = [
    "DEFAULT_NAME",
    "SENDER_RULE",
    "Address",
    "Alert",
    "Application",
    "ArchiveTable",
    "Bounces",
    "Choice",
    "Config",
    "Count",
    "Delivery",
    "Dkim",
    "DkimKey",
    "Duration",
    "Encryption",
    "Endpoint",
    "Expected",
    "Imap",
    "Ledger",
    "Listener",
    "LiveConfig",
    "Mask",
    "Metrics",
    "Name",
    "Network",
    "Oidc",
    "Port",
    "Provider",
    "Reference",
    "Route",
    "Size",
    "Smtp",
    "Suppression",
    "Table",
    "TlsPolicy",
    "Trace",
    "Tracking",
    "Upstream",
    "Viewer",
    "WebhookSource",
]
