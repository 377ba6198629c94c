"""`lgsp mock`: the mocks of the other sides, standing alone."""

from pathlib import Path
from typing import Annotated

import typer

from lgsp.cli.output import emit, table
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add `lgsp mock national` and `lgsp mock opencps`."""
    mock = typer.Typer(help="Mocks of the other sides, standing alone.", no_args_is_help=True)
    app.add_typer(mock, name="mock")
    _register_national(mock)
    _register_opencps(mock)


def _register_national(mock: typer.Typer) -> None:
    @mock.command("national")
    def national(
        port: Annotated[int | None, typer.Option(help="Port; default LGSP_MOCK_PORT.")] = None,
        host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
        faults: Annotated[Path | None, typer.Option(help="YAML script of faults.")] = None,
        catalogue: Annotated[Path | None, typer.Option(help="YAML of procedures.")] = None,
        store: Annotated[Path | None, typer.Option(help="File; default under `data`.")] = None,
        session_ttl: Annotated[float, typer.Option(help="Seconds of a session.", min=0)] = 600,
        json: Annotated[
            bool, typer.Option("--json", help="One JSON document at the end.")
        ] = False,
    ) -> None:
        """Serve the mock of the national portal until SIGTERM."""
        from lgsp.mocks.national.app import make_app, run, store_path
        from lgsp.mocks.national.catalogue import load_catalogue
        from lgsp.mocks.national.faults import load_faults
        from lgsp.mocks.national.store import PortalStore

        settings = load_settings()
        configure_logs(settings, service="national-mock")
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
        code = run(app, host, settings.mock_port if port is None else port)
        ended = {"mock": "national", "exit_code": code}
        if json:
            emit(ended, as_json=True, render=lambda: table("Mock", ended))
        raise typer.Exit(code)


def _register_opencps(mock: typer.Typer) -> None:
    @mock.command("opencps")
    def opencps(
        port: Annotated[int, typer.Option(help="Port.")] = 8091,
        host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
        faults: Annotated[Path | None, typer.Option(help="YAML script of faults.")] = None,
        folder: Annotated[
            Path | None, typer.Option("--dir", help="A folder of `lgsp simulate province`.")
        ] = None,
        dossiers: Annotated[int, typer.Option(min=1, help="Without --dir: how many.")] = 2000,
        seed: Annotated[int, typer.Option(help="Without --dir: of the twin.")] = 1,
        as_of: Annotated[
            str | None, typer.Option(help="The portal's time (ISO 8601); default: the end.")
        ] = None,
        speed: Annotated[
            float, typer.Option(min=0, help="Simulated seconds a second; 0: time stands still.")
        ] = 0,
        json: Annotated[
            bool, typer.Option("--json", help="One JSON document at the end.")
        ] = False,
    ) -> None:
        """Serve the province twin as an OpenCPS portal until SIGTERM (account lgsp / lgsp)."""
        from lgsp.mocks.opencps import run_opencps

        configure_logs(load_settings(), service="opencps-mock")
        code = run_opencps(
            host=host,
            port=port,
            faults=faults,
            dir=folder,
            dossiers=dossiers,
            seed=seed,
            as_of=as_of,
            speed=speed,
        )
        ended = {"mock": "opencps", "exit_code": code}
        if json:
            emit(ended, as_json=True, render=lambda: table("Mock", ended))
        raise typer.Exit(code)
