import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRedactFields, redactFields } from './redact.ts';
import { redactUrlCredentials, redactUrls } from './redact-url.ts';
import { eventSubject, formationSubject, resolveEventSubject } from './subject.ts';

describe('eventSubject()', () => {
  const run = { specId: 'spec', runId: 'run', tenantId: 'acme' };

  it('agrees with the reference where every part is one token [B2]', () => {
    for (const settings of [{}, { tenantId: 'acme' }, { subject: 'my.subject' }, { template: 'e.{tenantId}.{spec_id}.{run_id}' }]) expect(eventSubject(settings, run)).toBe(resolveEventSubject(settings, run));
    expect(eventSubject({ template: 'e.{tenantId}' }, { specId: 's', runId: 'r' })).toBe('e._no_tenant_');
  });

  it('lets no id reach another subject [B2]', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '.', '*', '>', ' ', '{', '}', '\t', '\u2003', '\0'), maxLength: 6 }), (id) => {
        for (const at of ['specId', 'runId', 'tenantId'] as const) {
          const make = () => eventSubject({ template: 'e.{tenantId}.{spec_id}.{run_id}' }, { ...run, [at]: id });
          if (/^a+$/.test(id)) expect(make()).toBe(resolveEventSubject({ template: 'e.{tenantId}.{spec_id}.{run_id}' }, { ...run, [at]: id }));
          else expect(make).toThrow(expect.objectContaining({ code: 'config.invalid' }));
        }
      }),
    );
    for (const subject of ['a..b', 'a.>', '', 'a.*', 'a b']) expect(() => eventSubject({ subject }, run), subject).toThrow(expect.objectContaining({ code: 'config.invalid' }));
  });

  it('is different for formations', () => expect(formationSubject('f', 'created')).toBe('cellos.events.formations.f.created'));
});

describe('redaction', () => {
  it('has wider defaults of ours', () => {
    expect([...parseRedactFields(' Defaults ')]).toEqual(['argv', 'path', 'reason']);
    expect(parseRedactFields('wide').has('spawnError')).toBe(true);
    expect(parseRedactFields(' , ').size).toBe(0);
    expect(redactFields({ a: ['x'], b: { c: 1 }, d: 1 }, new Set(['a', 'b', 'd']))).toEqual({ a: ['[redacted]'], b: {}, d: '[redacted]' });
  });

  it('leaves no password in any URL of a text', () => {
    expect(redactUrls('from nats://a:b@h:1 to https://c:d@e/ and http://plain/x@y')).toBe('from nats://h:1 to https://e/ and http://<redacted>y');
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9]{8,12}$/), fc.constantFrom('https', 'nats', 'redis', 'postgres'), (password, scheme) => {
        expect(redactUrlCredentials(`${scheme}://user:${password}@host/p`)).not.toContain(password);
        expect(redactUrls(`a ${scheme}://u:${password}@h b ${scheme}://u:${password}@h/`)).not.toContain(password);
      }),
    );
  });
});
