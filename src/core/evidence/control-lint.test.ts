import { describe, expect, it } from 'vitest';
import { isCellError } from '../../base/errors.ts';
import { parseJson } from '../../base/json-parse.ts';
import { lintControls, PathTree } from './control-lint.ts';
import { compileSchema, type SchemaViolation } from './json-schema.ts';

const tree = new PathTree(['src/a.rs', 't/x.rs']);
const json = (value: unknown) => parseJson(JSON.stringify(value));
const entry = (members: object = {}) => ({ controlId: 'AU-1', status: 'planned', narrative: 'n', ...members });
const lint = (entries: unknown, schema: unknown = {}) => lintControls({ catalogue: json(entries), schema: json(schema), tree }).findings.map(({ rule, entry: of, message }) => `${rule} ${of} ${message}`);

function reasonOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    if (isCellError(error, 'document.invalid')) return error.facts['reason'] ?? 'shape';
    throw error;
  }
  return 'accepted';
}

it.each<[string, boolean]>([
  ['', true],
  ['src', true],
  ['src/', true],
  ['src/a.rs', true],
  ['./src//a.rs', true],
  ['src/../t/x.rs', true],
  ['src/a.rs/', false],
  ['src/a.rs/..', false],
  ['nope/../src/a.rs', false],
  ['..', false],
  ['../src/a.rs', false],
  ['src/../../src/a.rs', false],
  ['/src/a.rs', false],
  ['a.rs', false],
])('PathTree has %j: %j [L2]', (path, there) => {
  expect(tree.has(path)).toBe(there);
});

describe('lintControls()', () => {
  it.each<[object, string[]]>([
    [{}, []],
    [{ codeSeams: ['src/a.rs:12', 'src'], provingTests: ['t/x.rs:3'] }, []],
    [{ codeSeams: ['nope:1'], provingTests: ['t/y.rs'] }, ['code-seam AU-1 names the code nope:1, which is not there', 'proving-test AU-1 names the test t/y.rs, which is not there']],
    [{ status: 'implemented' }, ['no-event-types AU-1 is called implemented, and names no event that proves it', 'no-tests AU-1 is called implemented, and names no test that proves it']],
    [{ status: 'Implemented' }, []],
    [{ status: 'implemented', provingEventTypes: ['e'], provingTests: ['t/x.rs'] }, []],
    [{ enforcementBinding: 'linux-nftables' }, []],
    [{ status: 'implemented', provingEventTypes: ['e'], provingTests: ['t/x.rs'], enforcementBinding: 'linux-nftables', degradedBindingNote: ' ' }, ['no-degraded-note AU-1 is bound to nftables, and does not say what holds where there is none']],
    [{ status: 'implemented', provingEventTypes: ['e'], provingTests: ['t/x.rs'], enforcementBinding: 'linux-nftables', degradedBindingNote: 'x' }, []],
  ])('%j', (members, expected) => {
    expect(lint([entry(members)])).toEqual(expected);
  });

  it('tells the schema of every entry before the rest of any [L1]', () => {
    expect(lint([entry({ codeSeams: ['nope'] }), entry({ controlId: 'bad' })], { properties: { controlId: { pattern: '^[A-Z]' } } })).toEqual(['schema bad /controlId does not match ^[A-Z]', 'code-seam AU-1 names the code nope, which is not there']);
  });

  it('cannot go without its files, or with others', () => {
    expect(reasonOf(() => lintControls({ catalogue: undefined, schema: {}, tree }))).toBe('catalogue-missing');
    expect(reasonOf(() => lintControls({ catalogue: [], schema: undefined, tree }))).toBe('schema');
    expect(reasonOf(() => lintControls({ catalogue: json({}), schema: {}, tree }))).toBe('shape');
    expect(reasonOf(() => lintControls({ catalogue: json([{}]), schema: {}, tree }))).toBe('shape');
  });
});

describe('compileSchema()', () => {
  const check = (schema: unknown, value: unknown): string[] => {
    const into: SchemaViolation[] = [];
    compileSchema(json(schema))(json(value), '', into);
    return into.map(({ pointer, message }) => `${pointer} ${message}`);
  };

  it.each<[unknown, unknown, string[]]>([
    [true, 1, []],
    [false, 1, [' is not allowed']],
    [{ $schema: 'x', title: 't' }, 1, []],
    [{ type: 'string' }, 1, [' is not of type string']],
    [{ type: ['string', 'null'] }, null, []],
    [{ type: ['string', 'null'] }, 1, [' is not of type string or null']],
    [{ type: 'integer' }, 1, []],
    [{ type: 'integer' }, 1.5, [' is not of type integer']],
    [{ type: 'number' }, 1.5, []],
    [{ type: 'boolean' }, true, []],
    [{ type: 'array' }, {}, [' is not of type array']],
    [{ type: 'object' }, [], [' is not of type object']],
    [{ enum: ['a', 1] }, 'b', [' is none of "a", 1']],
    [{ enum: ['a', 1] }, 1, []],
    [{ const: 'a' }, 'b', [' is none of "a"']],
    [{ pattern: '^a$' }, 'b', [' does not match ^a$']],
    [{ pattern: '^a$' }, 1, []],
    [{ minLength: 2, maxLength: 2 }, '😀', [' is shorter than 2 characters']],
    [{ minLength: 2, maxLength: 2 }, 'ab', []],
    [{ minLength: 2, maxLength: 2 }, 'abc', [' is longer than 2 characters']],
    [{ minItems: 1, maxItems: 1 }, [], [' has less than 1 items']],
    [{ minItems: 1, maxItems: 1 }, [1], []],
    [{ minItems: 1, maxItems: 1 }, [1, 2], [' has more than 1 items']],
    [{ uniqueItems: true }, [1, 1], [' has an item twice']],
    [{ uniqueItems: false }, [1, 1], []],
    [{ items: { type: 'string' } }, ['a', 1], ['/1 is not of type string']],
    [{ required: ['a', 'b'] }, { b: 1 }, [' has no a']],
    [{ properties: { 'a/~': { type: 'string' } } }, { 'a/~': 1 }, ['/a~1~0 is not of type string']],
    [{ properties: { a: {} }, additionalProperties: false }, { a: 1, b: 2 }, ['/b is not allowed']],
    [{ additionalProperties: { type: 'string' } }, { b: 2 }, ['/b is not of type string']],
    [{ properties: {}, required: ['a'], items: false, additionalProperties: false }, 'text', []],
  ])('%j of %j: %j', (schema, value, expected) => {
    expect(check(schema, value)).toEqual(expected);
  });

  it.each([[[]], [1], [{ anyOf: [] }], [{ toString: 1 }], [{ type: 'text' }], [{ type: 1 }], [{ enum: 1 }], [{ required: [1] }], [{ properties: [] }], [{ pattern: '(' }], [{ pattern: 1 }], [{ minLength: -1 }], [{ maxItems: 'x' }], [{ items: 1 }]])('refuses %j: a check that is not made must not look made [J1]', (schema) => {
    expect(reasonOf(() => compileSchema(json(schema)))).toBe('schema');
  });
});
