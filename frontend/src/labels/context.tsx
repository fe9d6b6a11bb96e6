import { createContext, type ReactNode, useContext, useMemo } from "react";
import { english, type Labels } from "./english";
import { createFormat, type Format } from "./format";

export interface Language {
  labels: Labels;
  format: Format;
}

export interface LanguageProps {
  /** Replaces some or all of the English texts. */
  labels?: Partial<Labels> | undefined;
  /** The BCP 47 tag for dates and numbers; by default the browser's locale. */
  locale?: string | undefined;
}

const LanguageContext = createContext<Language>({ labels: english, format: createFormat(undefined) });
export const useLanguage = () => useContext(LanguageContext);
export const useLabels = () => useLanguage().labels;

/** Inherits what it is not given from the provider above it. */
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
