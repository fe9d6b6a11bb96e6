export interface Format {
  number: (value: number) => string;
  dateTime: (rfc3339: string) => string;
  lowerCase: (text: string) => string;
}

export function createFormat(locale: string | undefined): Format {
  const numbers = new Intl.NumberFormat(locale);
  const times = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  return {
    number: (value) => numbers.format(value),
    dateTime: (rfc3339) => times.format(new Date(rfc3339)),
    lowerCase: (text) => text.toLocaleLowerCase(locale),
  };
}
