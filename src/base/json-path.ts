/** Where a value stands in a document: member names and list indexes from the root. */
export type PathSegment = string | number;

/** Longest part of a key shown. */
const SHOWN_MAX = 64;

function shortened(key: string): string {
  return key.length > SHOWN_MAX ? `${key.slice(0, SHOWN_MAX)}…` : key;
}

/** `spec.run.argv[0]`; a key that is not a plain word stands in brackets, quoted. */
export function renderPath(path: readonly PathSegment[]): string {
  let out = '';
  for (const segment of path) {
    if (typeof segment === 'number') out += `[${segment}]`;
    else if (/^[A-Za-z_$][\w$-]{0,63}$/.test(segment)) out += out === '' ? segment : `.${segment}`;
    else out += `[${JSON.stringify(shortened(segment)).replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)}]`;
  }
  return out;
}
