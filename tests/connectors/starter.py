"""A portal made by `lgsp-connect new`, and rows that its YAML reads."""

from pathlib import Path

from typer.testing import CliRunner

from lgsp_connectors.cli import app

HEADER = "MaHoSo,DonVi,MaTTHC,KenhNop,NgayNop,NgayTiepNhan,NgayHenTra,NgayXong,NgayTra,TrangThai\n"
GOOD = "H37.12-240705-0001,H37.12,1.001612,truc tuyen,,05/07/2024 08:15,,,,dang xu ly\n"


def start(folder: Path) -> Path:
    """Write the starter of portal `p` into the working folder, set to read `inbox`."""
    CliRunner().invoke(app, ["new", "p"])
    file = folder / "p.yaml"
    file.write_text(file.read_text("utf-8").replace("./p.sample", "./inbox/*.csv"), "utf-8")
    return file
