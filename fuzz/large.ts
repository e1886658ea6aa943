/**
 * Inputs of one MiB that are hard on a parser: deep, long, repeated, escaped, referred to. Every target has to refuse or read each of them in time
 * that grows with its length.
 */
import { LIMITS } from '../src/base/limits.ts';

const SIZE = 1024 * 1024;

function filled(begin: string, piece: string, end = ''): string {
  return begin + piece.repeat(Math.floor((SIZE - begin.length - end.length) / piece.length)) + end;
}

function numbered(begin: string, piece: (n: number) => string, end = ''): string {
  let text = begin;
  for (let n = 0; text.length < SIZE - 64; n += 1) text += piece(n);
  return text + end;
}

const SPEC = '{"apiVersion":"cellos.io/v1","kind":"ExecutionCell","spec":{"id":"a","lifetime":{"ttlSeconds":1},"authority":{';

/** Name → text. */
export const LARGE: Readonly<Record<string, string>> = {
  'lists in lists': filled('', '['),
  'objects in objects': filled('', '{"a":'),
  'one long string': filled('"', 'a', '"'),
  'a string without an end': filled('"', 'a'),
  'escapes': filled('"', '\\u0041', '"'),
  'halves of surrogates': filled('"', '\\ud800', '"'),
  'digits': filled('', '9'),
  'digits of a fraction': filled('0.', '1'),
  'an exponent': filled('1e', '9'),
  'white space': filled('', ' '),
  'line ends, then a mistake': filled('[', '\n', 'x'),
  'the same key': filled('{', '"k":1,', '"k":1}'),
  'many keys': numbered('{', (n) => `"k${n}":${n},`, '"z":0}'),
  'unknown keys of a document': numbered(`${SPEC}`, (n) => `"e${n}":1,`, '"z":0}}}'),
  'misspelt keys of a document': numbered(`${SPEC}`, (n) => `"egressRule${n}":1,`, '"z":0}}}'),
  'egress rules': numbered(`${SPEC}"egressRules":[`, (n) => `{"host":"h${n}.example","port":443},`, '{"host":"z","port":1}]}}}'),
  'secrets given twice': filled(`${SPEC}"secretRefs":[`, '"S",', '"S"]}}}'),
  'opaque depth': filled(`${SPEC}"filesystem":`, '['),
  'capabilities': numbered('{"roleRoot":"r","leafCapability":{"secretRefs":[', (n) => `"S${n}",`, '"z"]},"grantorSignature":{"algorithm":"a","bytes":""}}'),
  'steps': filled('{"roleRoot":"r","leafCapability":{},"grantorSignature":{"algorithm":"a","bytes":""},"derivationSteps":[', '{"fromCapability":{},"toCapability":{}},', '{"fromCapability":{},"toCapability":{}}]}'),
  'signatures': filled('{"schemaVersion":"1","payloadType":"application/vnd.cellos.trust-keyset-v1+json","payload":"","payloadDigest":"","producedAt":"","signatures":[', '{"signerKid":"root","algorithm":"ed25519","signature":"AA"},', '{"signerKid":"k","algorithm":"a","signature":""}]}'),
  'one base64 text': filled('{"payload":"', 'QUJD', '"}'),
  'verify keys': numbered('{', (n) => `"k${n}":"A2Dt8aB8KSXfA_eN9I5UX20S9k52oJV7040ICS4aBP4",`, '"z":""}'),
  'YAML: aliases of aliases': `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 24 }, (_, n) => `b${n}: &b${n} [${n === 0 ? '*a,*a,*a,*a,*a,*a,*a,*a,*a' : `${`*b${n - 1},`.repeat(8)}*b${n - 1}`}]`).join('\n')}\n`,
  'YAML: indents': Array.from({ length: 1400 }, (_, n) => `${' '.repeat(n)}a:`).join('\n'),
  'YAML: items': filled('', '- a\n'),
  'YAML: keys': numbered('', (n) => `k${n}: ${n}\n`),
  'YAML: anchors': numbered('', (n) => `k${n}: &a${n} ${n}\n`),
  'YAML: flow': filled('', '[a, '),
  'YAML: dashes': filled('', '- '),
  'YAML: question marks': filled('', '? '),
  'YAML: quotes': filled('a: "', '\\x41', '"'),
  'YAML: comments': filled('', '# a\n'),
  'YAML: documents': filled('', '---\n'),
  'YAML: folded lines': filled('a: >\n', '  b\n\n'),
  'YAML: tags': filled('', '- !!str a\n'),
  'lines of a note': filled('o\n7\n', 'x\n', '\n\u2014 o AAAAAAAA\n'),
  'signatures of a note': filled('o\n7\nx\n\n', '\u2014 o AAAAAAAA\n'),
  'empty lines': filled('', '\n'),
  'signatures of an envelope': filled('{"payloadType":"t","payload":"","signatures":[', '{"keyid":"k0","sig":"AAAA"},', '{"sig":""}]}'),
  'subjects': filled('{"_type":"https://in-toto.io/Statement/v1","predicateType":"p","subject":[', '{"digest":{"x":"y"}},', '{"digest":{"x":"y"}}]}'),
  'groups of witnesses': numbered('', (n) => `group g${n} any g${n - 1}\n`, 'quorum g0\n'),
  'comments of a policy': filled('', '#\n', 'quorum none\n'),
  'a long name of a tile': filled('tile/0/', 'x999/', '999'),
  'zeros': filled('', '\0'),
  'beyond the largest document': filled('"', 'a', '"').repeat(Math.ceil(LIMITS.documentSizeBytesMax / SIZE) + 1),
};
