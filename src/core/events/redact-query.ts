/** Ours: a URL as it may be told: without user and password, and with the values of its query blanked where they look like a credential. */
import { parseUrl } from '../../base/url.ts';
import { redactUrlCredentials } from './redact-url.ts';

const CREDENTIAL = /sig|token|key|secret|cred|passw|auth|^se$|^sp$/i;

/** Keeps the text as it is but for what is blanked. A URL nobody can read loses its whole query. */
export function tellableUrl(url: string): string {
  const bare = redactUrlCredentials(url);
  const at = bare.indexOf('?');
  if (at < 0) return bare;
  if (parseUrl(bare) === undefined) return `${bare.slice(0, at)}?<redacted>`;
  const [query = '', ...fragment] = bare.slice(at + 1).split('#');
  const parts = query.split('&').map((part) => {
    const [name = ''] = part.split('=');
    return part.includes('=') && CREDENTIAL.test(name) ? `${name}=<redacted>` : part;
  });
  return `${bare.slice(0, at)}?${parts.join('&')}${fragment.length > 0 ? `#${fragment.join('#')}` : ''}`;
}

/** For error texts: nothing of the query at all. */
export function urlWithoutQuery(url: string): string {
  return redactUrlCredentials(url).replace(/[?#].*$/s, '');
}
