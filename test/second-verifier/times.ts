/** Times of the evidence format: RFC 3339 in UTC, compared to the second; and run ids, which hold one. */
const RFC3339_UTC = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|\+00:00)$/;
const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz';

/** @returns seconds since 1970, or undefined when the text is no time in UTC */
export function secondsOf(text: string): number | undefined {
  const match = RFC3339_UTC.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (month < 1 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 60) return undefined;
  // A leap second lies after the 59th and before the next minute.
  return Math.floor(date.getTime() / 1000) + hour * 3600 + minute * 60 + Math.min(second, 59.5);
}

/** A ULID in lower case: 26 letters of Crockford's alphabet, 128 bits. */
export function isRunId(text: string): boolean {
  return /^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(text);
}

/** @param runId one that `isRunId` */
export function secondsOfRun(runId: string): number {
  const milliseconds = [...runId.slice(0, 10)].reduce((sum, letter) => sum * 32 + CROCKFORD.indexOf(letter), 0);
  return Math.floor(milliseconds / 1000);
}
