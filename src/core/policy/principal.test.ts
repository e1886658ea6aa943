import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCellError } from '../../base/errors.ts';
import type { JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import type { Principal, ToolCapability } from '../spec/wire-types.ts';
import { checkPrincipal, delegateTo, effectiveScope, parsePrincipal, parsePrincipalUri, PRINCIPAL_DEPTH_MAX, principalText, principalUri, rootOperator, TOOL_CAPABILITIES } from './principal.ts';

const alice: Principal = { kind: 'operator', id: 'alice' };
const chain = (...scopes: ToolCapability[][]): Principal => scopes.reduce<Principal>((authorizing, scope, i) => ({ kind: 'delegate', authorizing, delegate: `d${i}`, scope }), alice);

function reasonOf(work: () => unknown): unknown {
  try {
    work();
    return 'taken';
  } catch (error) {
    if (!isCellError(error, 'document.invalid')) throw error;
    expect(error.message).toMatch(/^Cannot use a principal: .{10}/s);
    return error.facts['reason'];
  }
}

describe('principals', () => {
  it('hold everything, but for delegates', () => {
    expect([effectiveScope(alice), effectiveScope(chain(['tool:get', 'tool:apply'])), effectiveScope(chain([]))]).toEqual([['tool:*'], ['tool:apply', 'tool:get'], []]);
    expect([rootOperator(alice), rootOperator(chain([], [])), rootOperator({ kind: 'platform', id: 'p' })]).toEqual(['alice', 'alice', undefined]);
  });

  it('delegate no more than they hold [PR1]', () => {
    expect(delegateTo(alice, 'd', ['tool:get', 'tool:apply', 'tool:get'])).toEqual({ kind: 'delegate', authorizing: alice, delegate: 'd', scope: ['tool:apply', 'tool:get'] });
    const reader = delegateTo(alice, 'd', ['tool:get']);
    expect(() => delegateTo(reader, 'e', ['tool:events', 'tool:get', 'tool:logs'])).toThrow(expect.objectContaining({ facts: { reason: 'not-narrowing', missing: 'tool:logs' } }));
    expect(() => delegateTo(reader, 'e', ['tool:*'])).toThrow(expect.objectContaining({ facts: { reason: 'not-narrowing', missing: 'tool:*' } }));
    expect(reasonOf(() => delegateTo(chain(['tool:*']), 'e', ['tool:*', 'tool:logs']))).toBe('taken');
    expect(reasonOf(() => checkPrincipal(chain(['tool:get'], [], ['tool:get'])))).toBe('not-narrowing');
    expect(reasonOf(() => parsePrincipal(parseJson(JSON.stringify(chain(['tool:get'], ['tool:apply'])))))).toBe('not-narrowing');
    expect(reasonOf(() => parsePrincipalUri('principal://operator/a/delegate/d/delegate/e?scope=tool:get&scope=tool:apply'))).toBe('not-narrowing');
  });

  it('have no empty id [PR2], and no chain without end', () => {
    const federated = (issuer: string, identity: string): Principal => ({ kind: 'federated', trust_root: { kind: 'oidc', issuer }, identity });
    for (const empty of [{ ...alice, id: '' }, { kind: 'platform', id: '' } as const, federated('', 'i'), federated('i', ''), { kind: 'delegate', authorizing: alice, delegate: '', scope: [] } as const]) expect(reasonOf(() => checkPrincipal(empty))).toBe('empty-id');
    expect(reasonOf(() => checkPrincipal(chain(...Array.from({ length: PRINCIPAL_DEPTH_MAX }, () => []))))).toBe('taken');
    expect(reasonOf(() => checkPrincipal(chain(...Array.from({ length: PRINCIPAL_DEPTH_MAX + 1 }, () => []))))).toBe('too-deep');
    expect(reasonOf(() => parsePrincipalUri(`principal://operator/a${'/delegate/d'.repeat(1000)}`))).toBe('too-deep');
  });

  it('are read from JSON by their shape', () => {
    expect(parsePrincipal({ kind: 'federated', trust_root: { kind: 'git_hub', org: 'o' }, identity: 'u/1' })).toEqual({ kind: 'federated', trust_root: { kind: 'git_hub', org: 'o' }, identity: 'u/1' });
    for (const wrong of [{ kind: 'robot', id: 'x' }, { kind: 'operator' }, { kind: 'delegate', authorizing: { kind: 'operator', id: 'a' }, delegate: 'd', scope: ['tool:rm'] }, null, 'x'] as JsonValue[]) expect(reasonOf(() => parsePrincipal(wrong))).toBe('shape');
    expect(principalText(delegateTo(alice, 'd', ['tool:get', 'tool:apply']))).toBe('{"kind":"delegate","authorizing":{"kind":"operator","id":"alice"},"delegate":"d","scope":["tool:apply","tool:get"]}');
  });
});

describe('principal URIs', () => {
  it.each([
    ['operator/alice', alice],
    ['platform/a%2Fb', { kind: 'platform', id: 'a/b' }],
    ['federated/oidc/https%3A%2F%2Fi/identity/u%201', { kind: 'federated', trust_root: { kind: 'oidc', issuer: 'https://i' }, identity: 'u 1' }],
    ['federated/ado/r/identity/u', { kind: 'federated', trust_root: { kind: 'ado', realm: 'r' }, identity: 'u' }],
    ['federated/github/o/identity/%C3%A9', { kind: 'federated', trust_root: { kind: 'git_hub', org: 'o' }, identity: 'é' }],
    ['operator/alice/delegate/d0?scope=tool:apply,tool:get', chain(['tool:get', 'tool:apply'])],
    ['operator/alice/delegate/d0/delegate/d1', chain([], [])],
    ['operator/alice/delegate/d0/delegate/d1?scope=tool:get', chain(['tool:get'], [])],
    ['operator/alice/delegate/d0/delegate/d1?scope=tool:*&scope=tool:get', chain(['tool:*'], ['tool:get'])],
  ] as const)('%s, both ways', (uri, principal) => {
    expect(principalUri(principal as Principal)).toBe(`principal://${uri}`);
    expect(principalText(parsePrincipalUri(`principal://${uri}`))).toBe(principalText(principal as Principal));
  });

  it('read what need not be encoded, and clauses with nothing in them', () => {
    expect(parsePrincipalUri("principal://operator/a+b:c'é")).toEqual({ kind: 'operator', id: "a+b:c'é" });
    expect(parsePrincipalUri('principal://operator/%61?')).toEqual({ kind: 'operator', id: 'a' });
    expect(parsePrincipalUri('principal://operator/a/delegate/d?scope=,tool:get,,tool:get')).toMatchObject({ scope: ['tool:get'] });
    expect(parsePrincipalUri('principal://operator/a/delegate/d/delegate/e?scope=tool:get')).toMatchObject({ scope: [], authorizing: { scope: ['tool:get'] } });
  });

  it.each([
    ['operator/a', 'scheme'],
    ['PRINCIPAL://operator/a', 'scheme'],
    ['principal://', 'no-variant'],
    ['principal://robot/x?scope', 'query-clause'],
    ['principal://operator/a/delegate/d?scope=tool:get&', 'query-clause'],
    ['principal://operator/a?role=1', 'query-parameter'],
    ['principal://operator/a/delegate/d?scope=tool:rm', 'capability'],
    ['principal://robot/x', 'kind'],
    ['principal://delegate/x', 'kind'],
    ['principal://?scope=tool:get', 'kind'],
    ['principal://operator', 'missing-id'],
    ['principal://platform', 'missing-id'],
    ['principal://operator/', 'empty-id'],
    ['principal://operator/%4', 'percent'],
    ['principal://operator/%zz', 'percent'],
    ['principal://operator/%ff', 'percent'],
    ['principal://operator/a/x', 'after-id'],
    ['principal://operator/a/', 'after-id'],
    ['principal://federated/oidc/x', 'federated-form'],
    ['principal://federated/oidc/x/ident/y', 'federated-form'],
    ['principal://federated/saml/x/identity/y', 'trust-root'],
    ['principal://federated/oidc/x/identity/y/z', 'after-id'],
    ['principal://operator/a/delegate', 'delegate-id'],
    ['principal://operator/a/delegate/', 'empty-id'],
    ['principal://operator/a/delegate/d/x/y', 'delegate-form'],
    ['principal://operator/a?scope=tool:get', 'surplus-clause'],
    ['principal://operator/a/delegate/d?scope=tool:get&scope=', 'surplus-clause'],
  ])('%s is refused: %s', (uri, reason) => {
    expect(reasonOf(() => parsePrincipalUri(uri))).toBe(reason);
  });

  it('say the same principal again, whatever its names', () => {
    const id = fc.string({ minLength: 1, maxLength: 6 }).filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(id, fc.array(fc.tuple(id, fc.subarray([...TOOL_CAPABILITIES])), { maxLength: 4 }), (root, delegates) => {
        let principal: Principal = { kind: 'operator', id: root };
        for (const [name, wanted] of delegates) {
          const held = effectiveScope(principal);
          principal = delegateTo(principal, name, held.includes('tool:*') ? wanted : wanted.filter((one) => held.includes(one)));
        }
        expect(principalText(parsePrincipalUri(principalUri(principal)))).toBe(principalText(principal));
        expect(principalText(parsePrincipal(parseJson(principalText(principal))))).toBe(principalText(principal));
      }),
    );
  });

  it('throw nothing but CellErrors', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('operator', 'federated', 'delegate', '/', '?', '=', '&', ',', '%', '4', 'scope', 'tool:get', 'identity', 'oidc', 'é'), maxLength: 12 }), (rest) => {
        reasonOf(() => parsePrincipalUri(`principal://${rest}`));
      }),
    );
  });
});
