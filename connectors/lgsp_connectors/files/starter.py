"""The YAML that `lgsp-connect new` writes; `{name}` becomes the id of the portal."""

STARTER = """\
# A folder of files. Every key: docs/connectors/files.md
connector: files
portal: {name}
province: H37
source:
  path: ./inbox/*.csv            # csv or jsonl, .gz of each; relative to this file
shape: dossiers                  # one row = one dossier with its dates; steps: one status change
# dossier_code_pattern: any      # default: the national pattern
mapping:                         # attribute: column, or a form
  dossier_code: MaHoSo
  agency: DonVi
  procedure: MaTTHC
  channel: {field: KenhNop, map: {"truc tuyen": ONLINE, "buu chinh": POSTAL}, default: DIRECT}
  submitted_at: {field: NgayNop, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}
  received_at: {field: NgayTiepNhan, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}
  due_at: {field: NgayHenTra, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}
  finished_at: {field: NgayXong, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}
  returned_at: {field: NgayTra, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}
  status:
    field: TrangThai
    map: {"moi": 1, "tiep nhan": 2, "dang xu ly": 4, "cho bo sung": 5, "da xong": 9}
    default: reject
"""
