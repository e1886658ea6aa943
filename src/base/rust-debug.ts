/** The reference quotes values as Rust's debug form does (reference/01 §3.1): compatible texts need it. */
export function rustDebug(text: string): string {
  if (/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(text)) return `"${text}"`;
  let out = '"';
  for (const char of text) {
    if (char === '"' || char === '\\') out += `\\${char}`;
    else if (char === '\t') out += '\\t';
    else if (char === '\r') out += '\\r';
    else if (char === '\n') out += '\\n';
    else if (char === '\0') out += '\\0';
    else if (/[\p{C}\p{Zl}\p{Zp}\p{Grapheme_Extend}]|[^\S ]/u.test(char)) out += `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
    else out += char;
  }
  return `${out}"`;
}
