/** WHATWG URL parsing for the pure layers, which have no ambient `URL`. */
export interface ParsedUrl {
  readonly href: string;
  /** With the colon: `https:`. */
  readonly protocol: string;
  /** Normalised; IPv6 in brackets. */
  readonly hostname: string;
  /** Empty when it is the scheme's default. */
  readonly port: string;
  readonly username: string;
  readonly password: string;
  /** Normalised text of the URL with neither. */
  readonly withoutCredentials: string;
}

/** @returns undefined when the text is not an absolute URL. */
export function parseUrl(text: string): ParsedUrl | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const { href, protocol, hostname, port, username, password } = url;
  url.username = '';
  url.password = '';
  return { href, protocol, hostname, port, username, password, withoutCredentials: url.href };
}
