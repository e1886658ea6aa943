import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCellError } from '../../base/errors.ts';
import { parseJson } from '../../base/json-parse.ts';
import { LIMITS } from '../../base/limits.ts';
import { checkedPrincipal, delegateTo, effectiveScope, holds, parsePrincipal, principalText, rootOperator } from './principal.ts';
import { type Principal, TOOL_CAPABILITIES } from './principal-shape.ts';
import { parsePrincipalUri, principalUri } from './principal-uri.ts';

const alice: Principal = { kind: 'operator', id: 'alice' };

/** What it is refused for, and the whole message. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isCellError(error, 'document.invalid')) return `${String(error.facts['reason'])}: ${error.message.replace('Cannot use the principal: ', '')}`;
    throw error;
  }
  return 'accepted';
}

const chain = (length: number): Principal => Array.from({ length }).reduce<Principal>((authorizing) => ({ kind: 'delegate', authorizing, delegate: 'd', scope: ['tool:*'] }), alice);

describe('principals', () => {
  it('a delegate has its own scope, everybody else everything', () => {
    expect(effectiveScope(alice)).toEqual(['tool:*']);
    expect(effectiveScope({ kind: 'delegate', authorizing: alice, delegate: 'd', scope: [] })).toEqual([]);
    expect(holds(['tool:*'], 'tool:get')).toBe(true);
    expect(holds(['tool:get'], 'tool:get')).toBe(true);
    expect(holds(['tool:get'], 'tool:*')).toBe(false);
    expect(holds([], 'tool:get')).toBe(false);
  });

  it('names the first capability that is not held, in the order of the set [N1]', () => {
    const narrow = delegateTo(alice, 'd', ['tool:get']);
    expect(refusal(() => delegateTo(narrow, 'e', ['tool:*', 'tool:logs', 'tool:apply']))).toBe('not-narrowing: the delegate "e" asks for tool:apply, which whoever authorises it does not hold');
    try {
      delegateTo(narrow, 'e', ['tool:*']);
    } catch (error) {
      expect(isCellError(error) && error.facts['missing']).toBe('tool:*');
    }
    expect(delegateTo(alice, 'd', ['tool:logs', 'tool:get', 'tool:logs'])).toMatchObject({ scope: ['tool:get', 'tool:logs'] });
  });

  it('checks narrowing however deep, and whatever it was read from [N1]', () => {
    const wide: Principal = { kind: 'delegate', authorizing: { kind: 'delegate', authorizing: alice, delegate: 'd', scope: [] }, delegate: 'e', scope: ['tool:get'] };
    const deeper: Principal = { kind: 'delegate', authorizing: wide, delegate: 'f', scope: [] };
    for (const work of [() => checkedPrincipal(deeper), () => principalUri(deeper), () => principalText(deeper)]) expect(refusal(work)).toMatch(/^not-narrowing/);
    expect(refusal(() => parsePrincipal(parseJson('{"kind":"delegate","authorizing":{"kind":"delegate","authorizing":{"kind":"operator","id":"a"},"delegate":"d","scope":[]},"delegate":"e","scope":["tool:get"]}')))).toMatch(/^not-narrowing/);
  });

  it('refuses empty ids and chains that are too long [N2]', () => {
    const empty: readonly [Principal, string][] = [
      [{ kind: 'operator', id: '' }, 'operator'],
      [{ kind: 'platform', id: '' }, 'platform'],
      [{ kind: 'federated', trust_root: { kind: 'oidc', issuer: '' }, identity: 'x' }, 'trust root'],
      [{ kind: 'federated', trust_root: { kind: 'ado', realm: '' }, identity: 'x' }, 'trust root'],
      [{ kind: 'federated', trust_root: { kind: 'git_hub', org: '' }, identity: 'x' }, 'trust root'],
      [{ kind: 'federated', trust_root: { kind: 'oidc', issuer: 'i' }, identity: '' }, 'identity'],
      [{ kind: 'delegate', authorizing: alice, delegate: '', scope: [] }, 'delegate'],
    ];
    for (const [principal, name] of empty) expect(refusal(() => checkedPrincipal(principal))).toBe(`empty-id: the id of its ${name} is empty`);
    expect(refusal(() => checkedPrincipal(chain(LIMITS.principalDepthMax)))).toBe('accepted');
    expect(refusal(() => checkedPrincipal(chain(LIMITS.principalDepthMax + 1)))).toBe('too-deep: it has 17 delegates, more than 16');
  });

  it('finds the operator at the root', () => {
    expect(rootOperator(chain(3))).toBe('alice');
    expect(rootOperator({ kind: 'platform', id: 'p' })).toBeUndefined();
  });

  it('refuses JSON of another shape, and says where', () => {
    expect(refusal(() => parsePrincipal(parseJson('{"kind":"operator"}')))).toBe('shape: id is missing: a text is required');
    expect(refusal(() => parsePrincipal(null))).toMatch(/^shape/);
    expect(refusal(() => parsePrincipal(parseJson('{"kind":"robot","id":"x"}')))).toMatch(/^shape: kind /);
  });
});

describe('principal URIs', () => {
  it.each([
    ['PRINCIPAL://operator/a', 'missing-scheme: it does not begin with principal://'],
    ['principal://', 'empty-path: nothing stands after principal://'],
    ['principal://operator/a?scope', 'malformed: a clause of its query has no ='],
    ['principal://operator/a?', 'accepted'],
    ['principal://operator/a/delegate/d?scope=tool:get&', 'malformed: a clause of its query has no ='],
    ['principal://robot/x?role=1', 'malformed: its query has another parameter than scope'],
    ['principal://robot/x?scope=tool:rm', 'unknown-capability: its scope has an unknown capability; known are tool:apply, tool:get, tool:logs, tool:events, tool:*'],
    ['principal://robot/x', 'unknown-kind: it begins with none of operator, platform, federated'],
    ['principal://delegate/x', 'unknown-kind: it begins with none of operator, platform, federated'],
    ['principal://operator', 'malformed: its operator has no id'],
    ['principal://platform', 'malformed: its platform has no id'],
    ['principal://operator/', 'empty-id: the id of its operator is empty'],
    ['principal://operator/%4', 'percent-encoding: a % is not followed by two hex digits'],
    ['principal://operator/%', 'percent-encoding: a % is not followed by two hex digits'],
    ['principal://operator/%+1', 'percent-encoding: a % is not followed by two hex digits'],
    ['principal://operator/%41g', 'accepted'],
    ['principal://operator/%ff', 'percent-encoding: a part of it is not UTF-8'],
    ['principal://operator/a/x', 'malformed: something other than delegate/ID follows'],
    ['principal://operator/a/delegate', 'malformed: a delegate has no id'],
    ['principal://operator/a/delegate/d/x/y', 'malformed: something other than delegate/ID follows'],
    ['principal://federated/oidc/x/identity', 'malformed: a federated one is federated/ROOT/ID/identity/ID'],
    ['principal://federated', 'malformed: a federated one is federated/ROOT/ID/identity/ID'],
    ['principal://federated/oidc/x/ident/y', 'malformed: a federated one is federated/ROOT/ID/identity/ID'],
    ['principal://federated/saml/x/identity/y', 'unknown-trust-root: its trust root is none of oidc, ado, github'],
    ['principal://federated/toString/x/identity/y', 'unknown-trust-root: its trust root is none of oidc, ado, github'],
    ['principal://federated/git_hub/x/identity/y', 'unknown-trust-root: its trust root is none of oidc, ado, github'],
    ['principal://federated/github/x/identity/y', 'accepted'],
    ['principal://federated/github/x/identity/y/z', 'malformed: something other than delegate/ID follows'],
    ['principal://operator/a?scope=tool:get', 'surplus-scope: it has 1 scopes for 0 delegates'],
    ['principal://operator/a/delegate/d?scope=tool:get&scope=', 'surplus-scope: it has 2 scopes for 1 delegates'],
    ['principal://operator/a/delegate/d/delegate/e?scope=&scope=tool:get', 'not-narrowing: the delegate "e" asks for tool:get, which whoever authorises it does not hold'],
    ['principal://operator/a/delegate/d/delegate/e?scope=tool:get', 'accepted'],
  ])('%s: %s', (uri, expected) => {
    expect(refusal(() => parsePrincipalUri(uri))).toBe(expected);
  });

  it.each([
    ['principal://operator/a+b', 'principal://operator/a%2Bb'],
    ['principal://operator/%41-._~', 'principal://operator/A-._~'],
    ['principal://platform/é', 'principal://platform/%C3%A9'],
    ['principal://operator/%00', 'principal://operator/%00'],
    ['principal://federated/github/o/identity/u%2F1', 'principal://federated/github/o/identity/u%2F1'],
    ['principal://operator/a/delegate/d?scope=tool:get,,tool:apply,tool:get', 'principal://operator/a/delegate/d?scope=tool:apply,tool:get'],
    ['principal://operator/a/delegate/d?scope=', 'principal://operator/a/delegate/d'],
    ['principal://operator/a/delegate/d/delegate/e?scope=tool:*&scope=tool:get', 'principal://operator/a/delegate/d/delegate/e?scope=tool:*&scope=tool:get'],
  ])('%s is printed as %s', (uri, printed) => {
    expect(principalUri(parsePrincipalUri(uri))).toBe(printed);
  });

  it('what is printed reads back as the same principal, from the URI and from JSON [G2]', () => {
    const id = fc.string({ minLength: 1, maxLength: 6, unit: 'grapheme' });
    const root = fc.oneof<fc.Arbitrary<Principal>[]>(
      id.map((text): Principal => ({ kind: 'operator', id: text })),
      id.map((text): Principal => ({ kind: 'platform', id: text })),
      fc.tuple(id, id).map(([org, identity]): Principal => ({ kind: 'federated', trust_root: { kind: 'git_hub', org }, identity })),
      fc.tuple(id, id).map(([realm, identity]): Principal => ({ kind: 'federated', trust_root: { kind: 'ado', realm }, identity })),
    );
    const link = fc.tuple(id, fc.subarray([...TOOL_CAPABILITIES]));
    fc.assert(
      fc.property(root, fc.array(link, { maxLength: 4 }), (start, links) => {
        const principal = links.reduce((authorizing, [delegate, scope]) => delegateTo(authorizing, delegate, scope.filter((one) => holds(effectiveScope(authorizing), one))), start);
        expect(parsePrincipalUri(principalUri(principal))).toEqual(principal);
        expect(parsePrincipal(parseJson(principalText(principal)))).toEqual(principal);
      }),
      { numRuns: 300 },
    );
  });
});
