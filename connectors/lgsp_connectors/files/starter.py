"""What `lgsp-connect new` writes: a YAML, and a sample that it reads; `{name}` is the portal."""

STARTER = """\
# A folder of files. Every key: docs/connectors/files.md
connector: files
portal: {name}
province: H37
source:
  path: ./{name}.sample          # made up, for `check`; yours: ./inbox/*.csv (or xlsx, json, .gz)
shape: dossiers                  # one row = one dossier with its dates; steps: one status change
# dossier_code_pattern: any      # default: the national pattern
case: fold                       # words are compared without case
missing: ["-", "NULL"]           # cells that mean "not known"
mapping:                         # attribute: column, or a form
  dossier_code: MaHoSo
  agency: DonVi
  procedure: MaTTHC
  channel:                       # a word that is not in a map rejects its row: nothing is guessed
    field: KenhNop
    map: {"truc tuyen": ONLINE, "Trực tuyến": ONLINE, "truc tiep": DIRECT, "Trực tiếp": DIRECT,
          "buu chinh": POSTAL, "Bưu chính": POSTAL}
  submitted_at: {field: NgayNop, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}
  received_at: {field: NgayTiepNhan, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}
  due_at: {field: NgayHenTra, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}
  finished_at: {field: NgayXong, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}
  returned_at: {field: NgayTra, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}
  status:
    field: TrangThai
    map: {"moi": 1, "tiep nhan": 2, "dang xu ly": 4, "cho bo sung": 5, "da xong": 9,
          "Mới": 1, "Tiếp nhận": 2, "Đang xử lý": 4, "Chờ bổ sung": 5, "Đã xong": 9}
"""

SAMPLE = """\
MaHoSo,DonVi,MaTTHC,KenhNop,NgayNop,NgayTiepNhan,NgayHenTra,NgayXong,NgayTra,TrangThai
H37.12-260601-0001,H37.12,1.001612,Trực tuyến,01/06/2026 08:00,01/06/2026 09:15,08/06/2026 17:00,05/06/2026 10:00,,Đã xong
H37.12-260601-0002,H37.12,1.001612,Trực tiếp,01/06/2026 08:30,01/06/2026 08:30,08/06/2026 17:00,09/06/2026 15:00,,Đã xong
H37.12-260602-0003,H37.12,1.001612,Bưu chính,02/06/2026 10:00,02/06/2026 14:00,09/06/2026 17:00,,,Chờ bổ sung
H37.12.5-260602-0001,H37.12.5,1.004227,truc tuyen,02/06/2026 21:00,03/06/2026 08:00,10/06/2026 17:00,,,Đang xử lý
H37.12.5-260603-0002,H37.12.5,1.004227,Trực tuyến,03/06/2026 11:00,-,,,,Mới
"""  # noqa: E501 - its lines are as long as an export's
