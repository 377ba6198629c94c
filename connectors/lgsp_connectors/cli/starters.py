"""The YAML that `lgsp-connect new` writes."""

FILES = """\
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
  channel: {{field: KenhNop, map: {{"truc tuyen": ONLINE, "buu chinh": POSTAL}}, default: DIRECT}}
  submitted_at: {{field: NgayNop, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}}
  received_at: {{field: NgayTiepNhan, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}}
  due_at: {{field: NgayHenTra, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}}
  finished_at: {{field: NgayXong, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}}
  returned_at: {{field: NgayTra, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}}
  status:
    field: TrangThai
    map: {{"moi": 1, "tiep nhan": 2, "dang xu ly": 4, "cho bo sung": 5, "da xong": 9}}
    default: reject
"""

OPENCPS = """\
# An OpenCPS v2 portal. Every key: docs/connectors/opencps.md
connector: opencps
portal: {name}
province: H37
source:
  url: http://127.0.0.1:8091
  group_id: "55301"
  auth:
    user: lgsp
    password: ${{OPENCPS_PASSWORD}}   # or password_file, token, token_file
# sub_statuses: {{cho_phi: 6}}     # looked up before dossierStatus
run:
  poll_seconds: 60
"""

STARTERS = {"files": FILES, "opencps": OPENCPS}
