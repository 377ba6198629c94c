"""`lgsp mock`: the mocks of the other sides, standing alone."""

from pathlib import Path
from typing import Annotated

import typer

from lgsp.runtime.commands.options import MOST, Data, ServiceJson, begin
from lgsp.runtime.commands.output import emit_service


def register(app: typer.Typer) -> None:
    """Add `lgsp mock national` and `lgsp mock opencps`."""
    mock = typer.Typer(help="Mocks of the other sides, standing alone.", no_args_is_help=True)
    app.add_typer(mock, name="mock")
    _register_national(mock)
    _register_opencps(mock)


def _register_national(mock: typer.Typer) -> None:
    @mock.command("national")
    def national(
        port: Annotated[
            int | None, typer.Option(min=0, max=65535, help="Port; default LGSP_MOCK_PORT.")
        ] = None,
        host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
        faults: Annotated[Path | None, typer.Option(help="YAML script of faults.")] = None,
        catalogue: Annotated[Path | None, typer.Option(help="YAML of procedures.")] = None,
        store: Annotated[Path | None, typer.Option(help="File; default under `data`.")] = None,
        session_ttl: Annotated[
            float, typer.Option(help="Seconds of a session.", min=0, max=MOST)
        ] = 600,
        data: Data = None,
        json: ServiceJson = False,
    ) -> None:
        """Serve the mock of the national portal until SIGTERM."""
        settings = begin("national-mock", data)
        from lgsp.mocks.national.app import make_app, run, store_path
        from lgsp.mocks.national.catalogue import load_catalogue
        from lgsp.mocks.national.faults import load_faults
        from lgsp.mocks.national.store import PortalStore

        app = make_app(
            PortalStore(store or store_path(settings.data)),
            script=load_faults(faults) if faults else None,
            catalogue=load_catalogue(catalogue) if catalogue else None,
            user=settings.national_user,
            password=settings.national_password.get_secret_value(),
            endpoint=settings.national_endpoint,
            dstcode=settings.national_dstcode,
            session_ttl=session_ttl,
        )

        def on_ready(url: str) -> None:
            emit_service("national-mock", "ready", as_json=json, url=url)

        raise typer.Exit(run(app, host, settings.mock_port if port is None else port, on_ready))


def _register_opencps(mock: typer.Typer) -> None:
    @mock.command("opencps")
    def opencps(
        port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: a free one.")] = 8091,
        host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
        faults: Annotated[Path | None, typer.Option(help="YAML script of faults.")] = None,
        folder: Annotated[
            Path | None, typer.Option("--dir", help="A folder of `lgsp simulate province`.")
        ] = None,
        dossiers: Annotated[
            int, typer.Option(min=1, max=MOST, help="Without --dir: how many.")
        ] = 2000,
        seed: Annotated[
            int, typer.Option(min=0, max=MOST, help="Without --dir: of the twin.")
        ] = 1,
        as_of: Annotated[
            str | None, typer.Option(help="The portal's time (ISO 8601); default: the end.")
        ] = None,
        speed: Annotated[
            float,
            typer.Option(
                min=0, max=MOST, help="Simulated seconds a second; 0: time stands still."
            ),
        ] = 0,
        data: Data = None,
        json: ServiceJson = False,
    ) -> None:
        """Serve the province twin as an OpenCPS portal until SIGTERM (account lgsp / lgsp)."""
        begin("opencps-mock", data)
        from lgsp.mocks.opencps import run_opencps

        def on_ready(url: str) -> None:
            emit_service("opencps-mock", "ready", as_json=json, url=url)

        code = run_opencps(
            host=host,
            port=port,
            faults=faults,
            dir=folder,
            dossiers=dossiers,
            seed=seed,
            as_of=as_of,
            speed=speed,
            on_ready=on_ready,
        )
        raise typer.Exit(code)
