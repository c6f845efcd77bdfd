"""Finished exports carried to object storage that speaks S3. Needs the extra `mailwitness[s3]` (obstore).

Credentials are those of the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, a role …). The signature is
carried last: what lacks it in the bucket is not whole. Carried again, an object is replaced by the same octets.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from relay.handover.making import HandoverError
from relay.handover.shape import NOTE

SCHEME = "s3://"


class StoreError(HandoverError):
    """The bucket did not take it; the export stays, and is carried again."""


async def carry(folder: Path, to: str, endpoint: str, region: str) -> None:
    """Puts every file of the folder under `to` (`s3://bucket/prefix`) and the folder's name. Raises StoreError."""
    try:
        import obstore
        from obstore.exceptions import BaseError
        from obstore.store import S3Store
    except ImportError:
        raise StoreError("object storage needs mailwitness[s3]") from None
    bucket, _, prefix = to.removeprefix(SCHEME).strip("/").partition("/")
    options: dict[str, Any] = {"region": region or "us-east-1"}
    if endpoint:
        options |= {"endpoint": endpoint, "virtual_hosted_style_request": False}
    if endpoint.startswith("http://"):
        options["client_options"] = {"allow_http": True}
    try:
        store = S3Store(bucket, prefix=prefix or None, **options)
        names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
        for name in sorted(names, key=lambda name: (name == NOTE, name)):
            await obstore.put_async(store, f"{folder.name}/{name}", folder / name)
    except (BaseError, OSError, ValueError) as error:
        raise StoreError(f"{to}: {str(error).splitlines()[0][:300]}") from None
