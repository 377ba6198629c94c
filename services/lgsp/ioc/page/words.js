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

const TRUST_REASONS = [
  [/^the log does not answer/, () => "Không hỏi được Kafka: có thể còn sự kiện chưa được tính"],
  [/^portal (\S+) is silent: last heard of at (\S+)$/, (p, at) => `Nguồn ${p} im lặng từ ${minutes(at)}`],
  [/^portal (\S+) is down: last heard of at (\S+)$/, (p, at) => `Nguồn ${p} mất liên lạc từ ${minutes(at)}`],
  [/^(\d+) events on the log/, (n) => `${number(Number(n))} sự kiện đã nhận nhưng chưa tính`],
  [/^(\d+) dossiers passed/, (n) => `${number(Number(n))} hồ sơ vừa quá hạn, chưa tính`],
  [/^filing_rate: the denominator/, () => "Chưa có hồ sơ tiếp nhận trong kỳ"],
  [/^on_time_rate: the denominator/, () => "Chưa có hồ sơ giải quyết xong trong kỳ"],
];

export function trustReason(text) {
  for (const [pattern, say] of TRUST_REASONS) {
    const found = pattern.exec(text);
    if (found) return say(...found.slice(1));
  }
  return text;
}

export function periodName(name) {
  if (name === "all") return "Toàn bộ thời gian";
  const part = /^(\d{4})(?:-(?:H(\d)|Q(\d)|(\d{2})(?:-(\d{2}))?))?$/.exec(name);
  if (!part) return name.replace("..", " đến ");
  const [, year, half, quarter, month, day] = part;
  if (day) return `Ngày ${day}/${month}/${year}`;
  if (month) return `Tháng ${Number(month)}/${year}`;
  if (quarter) return `Quý ${["I", "II", "III", "IV"][quarter - 1]}/${year}`;
  if (half) return half === "1" ? `6 tháng đầu năm ${year}` : `6 tháng cuối năm ${year}`;
  return `Năm ${year}`;
}
