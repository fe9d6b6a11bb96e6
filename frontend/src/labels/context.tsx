import { createContext, type ReactNode, useContext, useMemo } from "react";
import { english, type Labels } from "./english";
import { createFormat, type Format } from "./format";

export interface Language {
  labels: Labels;
  format: Format;
}

export interface LanguageProps {
  /** Words in place of the English ones: all of them, or some. */
  labels?: Partial<Labels> | undefined;
  /** How dates and numbers are written, as a BCP 47 tag; the browser's own way by default. */
  locale?: string | undefined;
}

const LanguageContext = createContext<Language>({ labels: english, format: createFormat(undefined) });
export const useLanguage = () => useContext(LanguageContext);
export const useLabels = () => useLanguage().labels;

/** What it is not given stays as it is above. */
export function LanguageProvider({ labels, locale, children }: LanguageProps & { children: ReactNode }) {
  const above = useLanguage();
  const language = useMemo(
    () => ({
      labels: labels ? { ...above.labels, ...labels } : above.labels,
      format: locale === undefined ? above.format : createFormat(locale),
    }),
    [above, labels, locale],
  );
  return <LanguageContext.Provider value={language}>{children}</LanguageContext.Provider>;
}
