import { useEffect, useState } from "react";
import { startOfDay } from "./list-items";

/** Today's date; renders again at midnight, so that "Today" becomes "Yesterday". */
export function useToday(): Date {
  const [today, setToday] = useState(() => startOfDay(new Date(), 0));
  useEffect(() => {
    const now = new Date();
    const timer = setTimeout(() => setToday(startOfDay(new Date(), 0)), +startOfDay(now, 1) - +now + 1000);
    return () => clearTimeout(timer);
  });
  return today;
}
