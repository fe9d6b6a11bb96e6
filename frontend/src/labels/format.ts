export interface Format {
  number: (value: number) => string;
  dateTime: (rfc3339: string) => string;
  /** With its year, unless that is the current one. */
  month: (date: Date, now: Date) => string;
  lowerCase: (text: string) => string;
}

export function createFormat(locale: string | undefined): Format {
  const numbers = new Intl.NumberFormat(locale);
  const months = new Intl.DateTimeFormat(locale, { month: "long" });
  const monthsOfYears = new Intl.DateTimeFormat(locale, { month: "long", year: "numeric" });
  const times = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  return {
    number: (value) => numbers.format(value),
    dateTime: (rfc3339) => times.format(new Date(rfc3339)),
    month: (date, now) => (date.getFullYear() === now.getFullYear() ? months : monthsOfYears).format(date),
    lowerCase: (text) => text.toLocaleLowerCase(locale),
  };
}
