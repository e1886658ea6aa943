import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tellableUrl, urlWithoutQuery } from './redact-query.ts';

describe('tellableUrl()', () => {
  it('keeps what locates a thing, and blanks what lets somebody in', () => {
    expect(tellableUrl('https://u:p@h/x?k=v&X-Amz-Signature=abc&X-Amz-Credential=c#f')).toBe('https://h/x?k=v&X-Amz-Signature=<redacted>&X-Amz-Credential=<redacted>#f');
    expect(tellableUrl('http://127.0.0.1:1/x/c/y/a?k=v')).toBe('http://127.0.0.1:1/x/c/y/a?k=v');
    expect(tellableUrl('not a url?token=x')).toBe('not a url?<redacted>');
  });

  it('shows no value of a parameter that is named like a credential', () => {
    fc.assert(
      fc.property(fc.constantFrom('sig', 'X-Amz-Signature', 'access_token', 'apiKey', 'client_secret', 'X-Amz-Credential', 'password', 'Authorization'), fc.stringMatching(/^[A-Za-z0-9]{12,20}$/), (name, value) => {
        expect(tellableUrl(`https://h/a?x=1&${name}=${value}`)).not.toContain(value);
      }),
    );
  });
});

describe('urlWithoutQuery()', () => {
  it('shows neither query nor fragment nor user', () => {
    expect(urlWithoutQuery('https://u:p@h/a?k=v#f')).toBe('https://h/a');
  });
});
