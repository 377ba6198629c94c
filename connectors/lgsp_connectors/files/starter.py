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
