// Vietnamese words, numbers and times of the page. The API speaks English codes only.

const whole = new Intl.NumberFormat("vi-VN");
const tenths = new Intl.NumberFormat("vi-VN", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("vi-VN", {
  timeZone: "Asia/Ho_Chi_Minh", day: "2-digit", month: "2-digit", year: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const minute = new Intl.DateTimeFormat("vi-VN", {
  timeZone: "Asia/Ho_Chi_Minh", day: "2-digit", month: "2-digit", year: "numeric",
  hour: "2-digit", minute: "2-digit",
});

export const number = (n) => whole.format(n);
export const percent = (value) => (value === null ? "—" : `${tenths.format(value)}%`);
export const instant = (iso) => (iso ? clock.format(new Date(iso)) : "");
export const minutes = (iso) => (iso ? minute.format(new Date(iso)) : "");

export const TRUST = { full: "Đủ tin", provisional: "Tạm tính", insufficient: "Chưa đủ dữ liệu" };
export const STALE = "Số liệu mới không đến được màn hình này";
export const PORTAL = { live: "đang hoạt động", silent: "im lặng", down: "mất liên lạc" };

export const FIGURES = {
  filing_rate: "Nộp hồ sơ trực tuyến",
  on_time_rate: "Giải quyết trước và đúng hạn",
  open: "Đang giải quyết",
  open_overdue: "Đang quá hạn",
  suspended: "Tạm dừng chờ công dân",
  resolved_late: "Giải quyết quá hạn",
  refused: "Từ chối tiếp nhận",
  withdrawn: "Công dân rút hồ sơ",
};
export const PARTS = { numerator: "tử số", denominator: "mẫu số", excluded: "không tính" };

const REASONS = {
  received_online: "nộp trực tuyến",
  received_direct: "nộp trực tiếp",
  received_postal: "nộp qua bưu chính",
  received_unknown: "không rõ kênh nộp",
  open: "đã tiếp nhận, chưa kết thúc",
  open_overdue: "chưa kết thúc, đã quá hạn trả",
  suspended: "chờ công dân, tạm dừng tính hạn",
  resolved_early: "xong trước ngày hạn",
  resolved_on_time: "xong đúng hạn",
  resolved_late: "xong sau hạn",
  resolved_without_deadline: "xong, nguồn không có hạn trả",
  refused: "không được tiếp nhận",
  withdrawn: "công dân rút hồ sơ",
};

export function reason(row) {
  const said = REASONS[row.counted_as] ?? row.reason;
  return row.reason.includes("(extended") ? `${said} (đã cộng thời gian tạm dừng)` : said;
}

// The feed's own words, all of them: in Vietnamese where it has them, else as they are.
export function reasons(figures) {
  if (figures.trust_findings) return figures.trust_findings.map((f) => f.vi ?? f.en);
  return figures.trust_reasons;
}

// How long ago, of seconds: coarse enough not to jump about.
export function age(seconds) {
  const units = [[86_400, "ngày"], [3_600, "giờ"], [60, "phút"], [1, "giây"]];
  const [size, name] = units.find(([size]) => seconds >= size) ?? units.at(-1);
  return `${number(Math.floor(seconds / size))} ${name} trước`;
}

export function periodName(name) {
  if (name === "all") return "Toàn bộ thời gian";
  const part = /^(\d{4})(?:-(?:H([12])|Q([1-4])|(\d{2})(?:-(\d{2}))?))?$/.exec(name);
  if (!part) return name.replace("..", " đến ");
  const [, year, half, quarter, month, day] = part;
  if (day) return `Ngày ${day}/${month}/${year}`;
  if (month) return `Tháng ${Number(month)}/${year}`;
  if (quarter) return `Quý ${["I", "II", "III", "IV"][quarter - 1]}/${year}`;
  if (half) return half === "1" ? `6 tháng đầu năm ${year}` : `6 tháng cuối năm ${year}`;
  return `Năm ${year}`;
}
