// Figures for people. Rule: three digits that matter, a unit, and a dash for what is not known.

export const UNKNOWN = "–";
const known = (value, form) => (value === null || value === undefined || Number.isNaN(value) ? UNKNOWN : form(value));
const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

function digits(value) {
  const size = Math.abs(value);
  if (size >= 100) return grouped.format(value);
  if (size >= 10) return value.toFixed(1);
  return size === 0 ? "0" : size >= 0.01 ? value.toFixed(2) : size.toPrecision(2);
}

export const number = value => known(value, digits);
export const count = value => known(value, x => grouped.format(x));
export const percent = value =>
  known(value, x => (x === 0 ? "0 %" : x < 0.1 ? `${(100 * x).toFixed(1)} %` : `${Math.round(100 * x)} %`));
export const seconds = value =>
  known(value, x =>
    x < 0.01
      ? `${(1000 * x).toFixed(1)} ms`
      : x < 1
        ? `${Math.round(1000 * x)} ms`
        : x < 10
          ? `${x.toFixed(2)} s`
          : x < 120
            ? `${x.toFixed(1)} s`
            : duration(x),
  );
export const dollars = value =>
  known(value, x =>
    x === 0
      ? "$0"
      : x >= 100
        ? `$${grouped.format(x)}`
        : x >= 0.1
          ? `$${x.toFixed(2)}`
          : `$${Number(x.toPrecision(2))}`,
  );

export function duration(value) {
  const [d, hours, minutes] = [value / 86400, value / 3600, value / 60].map(Math.floor);
  if (d) return `${d} d ${hours % 24} h`;
  if (hours) return `${hours} h ${minutes % 60} min`;
  return minutes ? `${minutes} min` : `${Math.floor(value)} s`;
}

export const clock = time => new Date(1000 * time).toLocaleTimeString("en-GB");
