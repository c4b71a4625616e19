"""`workbench keys`: API keys of a running workbench."""

import base64
import json
from datetime import timedelta
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.text import Text

from kit.clock import SystemClock
from workbench.cli.options import AsJson, Url, console, print_json, talk
from workbench.cli.render.keys import keys as render_keys

# The name by which rag finds the public key: that of the evaluator's setting `receipts.key_id`, unless it says otherwise.
SIGNER = "evaluator"

Name = Annotated[str, typer.Argument(help="What it is for.", show_default=False)]
Scopes = Annotated[
    list[str],
    typer.Option("--scope", help="What it may do, such as query or documents:write; may be repeated.", show_default=False),
]
Tenant = Annotated[str | None, typer.Option("--tenant", help="Whose it is.", show_default="one's own")]
Days = Annotated[float | None, typer.Option("--days", min=0.001, help="For how long it holds.", show_default="until it is revoked")]
KeyId = Annotated[str, typer.Argument(metavar="ID", help="The id of a key, as `workbench keys list` shows it.", show_default=False)]


def make_keys() -> typer.Typer:
    """The command with its subcommands."""
    app = typer.Typer(
        help="Make, list and revoke API keys. A key is sent if WORKBENCH_API_KEY is set.", no_args_is_help=True, rich_markup_mode="markdown"
    )
    for name, command in (("create", create), ("list", listed), ("revoke", revoke), ("receipts", receipts)):
        app.command(name)(command)
    return app


def create(name: Name, scope: Scopes, tenant: Tenant = None, days: Days = None, url: Url = None, as_json: AsJson = False) -> None:
    """Make an API key, and print it, this once."""
    ends = {"expires_at": (SystemClock().now() + timedelta(days=days)).isoformat()} if days else {}
    wanted = {"name": name, "scopes": scope, **({"tenant_id": tenant} if tenant else {}), **ends}
    made = talk(url, lambda client: client.create_key(wanted))
    if as_json:
        print_json(made)
        return
    console().print(render_keys([made]))
    console().print(Text("\nKeep it now; it is not shown again:", style="yellow"))
    print(made["key"])


def receipts() -> None:
    """Print a new pair of keys for receipts, as settings: with the private one the evaluator signs, with the public one rag verifies."""
    pair = Ed25519PrivateKey.generate()
    private, public = (base64.b64encode(half).decode() for half in (pair.private_bytes_raw(), pair.public_key().public_bytes_raw()))
    print(f"EVALUATOR_RECEIPTS__PRIVATE_KEY={private}")
    print(f"RAG_PROMOTION__RECEIPT_KEYS={json.dumps({SIGNER: public})}")


def listed(url: Url = None, as_json: AsJson = False) -> None:
    """List the API keys: of one's tenant, or with tenants:admin of all."""
    found = talk(url, lambda client: client.keys())
    if as_json:
        print_json({"keys": found})
    elif found:
        console().print(render_keys(found))
    else:
        console().print("No keys yet; make one with `workbench keys create NAME --scope query`.")


def revoke(key_id: KeyId, url: Url = None, as_json: AsJson = False) -> None:
    """End an API key, everywhere within 5 seconds."""
    ended = talk(url, lambda client: client.revoke_key(key_id))
    if as_json:
        print_json(ended)
    else:
        console().print(Text(f"Key {ended['key_id']} ({ended['name']}) is revoked."))
