/** The tests on single texts that the rules of a document share (reference/01 §3.1). */

export const PORTABLE = 'has to be 1 to 128 letters, digits, dots, dashes and underscores, begin with a letter or digit, and hold no ".."';

export function isKubernetesNamespace(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(text);
}

export function isSha256Digest(text: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

/** MAJOR.MINOR.PATCH without leading zeros, and an optional suffix after the first dash. */
export function isSemverShape(text: string): boolean {
  return /^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[A-Za-z0-9.-]+)?$/.test(text);
}

const WHITE_SPACE = /\p{White_Space}/u;

/** The first character with which a NATS subject could be widened. */
export function natsReserved(text: string): string | undefined {
  return /[.*>]|\p{White_Space}/u.exec(text)?.[0];
}

/** White space, or a character with a meaning in a rule set. */
export function hasRuleSyntax(text: string): boolean {
  return /[;{}"'#\\]|\p{White_Space}/u.test(text);
}

/** Without the white space at both ends. Linear, unlike a pattern anchored at the end. */
export function trimWhiteSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && WHITE_SPACE.test(text.charAt(start))) start += 1;
  while (end > start && WHITE_SPACE.test(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}
