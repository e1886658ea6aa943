/** Keeps credentials out of texts that are logged (reference/02 §8.2, §8.3). */
import { parseUrl } from '../../base/url.ts';

/**
 * A URL without its user and password. Where it cannot be read as one, or holds none, what stands between the first `://` and the next `@` is
 * blanked: that takes too much of `http://h/path@v2`, never too little of a password.
 */
export function redactUrlCredentials(url: string): string {
  const parsed = parseUrl(url);
  if (parsed !== undefined && (parsed.username !== '' || parsed.password !== '')) return parsed.withoutCredentials;
  const from = url.indexOf('://');
  const to = from < 0 ? -1 : url.indexOf('@', from + 3);
  return to < 0 ? url : `${url.slice(0, from + 3)}<redacted>${url.slice(to + 1)}`;
}

/** A text in which this URL may be quoted. */
export function redactEchoedUrl(text: string, url: string): string {
  const redacted = redactUrlCredentials(url);
  return redacted === url ? text : text.split(url).join(redacted);
}

/** Ours: every URL of a text, whoever wrote it there. */
export function redactUrls(text: string): string {
  return text.replace(/[A-Za-z][A-Za-z0-9+.-]*:\/\/[^\s"'<>]+/g, redactUrlCredentials);
}

const SENSITIVE = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-amz-security-token',
  'x-vault-token',
  'x-api-key',
  'x-auth-token',
  'x-csrf-token',
  'authorization_header',
  'bearer_token',
  'access_token',
  'refresh_token',
  'id_token',
  'api_key',
  'session_token',
  'secret',
  'secret_value',
]);

/** Does a log field of this name hold a credential? The case of ASCII letters does not matter; the whole name does. */
export function isSensitiveFieldName(name: string): boolean {
  return SENSITIVE.has(name.replace(/[A-Z]/g, (letter) => letter.toLowerCase()));
}
