/**
 * Which logs are believed, and which witnesses have to have seen a checkpoint first (C2SP tlog-policy). Pure.
 *
 *   Q1  a policy has one quorum, and it names what stands before it: nothing refers to itself, and nothing is missing;
 *   Q2  each name is in one group at most, and no key stands twice: a witness counts once;
 *   Q3  of a log only checkpoints count whose origin is the name of its key.
 *
 * LIMIT: names are UTF-8 here, where C2SP takes any bytes.
 */
import { type Bytes, toHex, tryDecodeUtf8 } from '../../base/bytes.ts';
import { CellError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { type NoteAlgorithm, type NoteKey, parseVerifierKey } from './note-key.ts';
import { refuseNote } from './signed-note.ts';

interface Group {
  readonly name: string;
  /** How many of its members have to have witnessed. */
  readonly needed: number;
  /** Witnesses, and groups that stand before this one. */
  readonly members: readonly string[];
}

export interface LogPolicy {
  /** May be empty: then no checkpoint is believed. */
  readonly logs: readonly Required<NoteKey>[];
  /** By their names in the policy. */
  readonly witnesses: ReadonlyMap<string, Required<NoteKey>>;
  /** In the order they stand. */
  readonly groups: readonly Group[];
  /** A witness, a group, or `none`. */
  readonly quorum: string;
}

class PolicyReader {
  readonly logs: Required<NoteKey>[] = [];
  readonly witnesses = new Map<string, Required<NoteKey>>();
  readonly groups: Group[] = [];
  quorum: string | undefined;
  line = 0;
  readonly #keys = new Set<string>();
  readonly #names = new Set<string>();
  readonly #members = new Set<string>();

  refuse(why: string): never {
    throw new CellError('document.invalid', `Cannot read a log policy at line ${this.line}: ${why}`, { facts: { line: this.line } });
  }

  read(line: string): void {
    this.line += 1;
    const [keyword = '', ...words] = line.split(/[ \t]+/).filter((word) => word !== '');
    if (keyword === '' || keyword.startsWith('#')) return;
    if (keyword === 'log') this.#log(words);
    else if (keyword === 'witness') this.#witness(words);
    else if (keyword === 'group') this.#group(words);
    else if (keyword === 'quorum') this.#quorum(words);
    else this.refuse(`"${keyword}" is none of log, witness, group and quorum`);
  }

  #key(text: string, algorithm: NoteAlgorithm): Required<NoteKey> {
    const key = parseVerifierKey(text);
    if (key.algorithm !== algorithm) this.refuse(`the key of "${key.name}" is of the type ${key.algorithm}, and ${algorithm} is needed here`);
    const id = `${algorithm} ${toHex(key.publicKey)}`;
    if (this.#keys.has(id)) this.refuse(`the key of "${key.name}" stands twice`); // Q2
    this.#keys.add(id);
    return key;
  }

  #log(words: readonly string[]): void {
    if (words.length < 1 || words.length > 2) this.refuse('a log is a verifier key, and maybe a URL');
    this.logs.push(this.#key(words[0] as string, 'ed25519'));
  }

  #define(name: string): void {
    if (name === 'none' || this.#names.has(name)) this.refuse(`the name "${name}" is taken`);
    this.#names.add(name);
  }

  #witness(words: readonly string[]): void {
    if (words.length < 2 || words.length > 3) this.refuse('a witness is a name, a verifier key, and maybe a URL');
    const [name, key] = words as [string, string];
    this.#define(name);
    this.witnesses.set(name, this.#key(key, 'cosignature-v1'));
  }

  #group(words: readonly string[]): void {
    const [name = '', rule = '', ...members] = words;
    if (members.length === 0) this.refuse('a group is a name, a number or any or all, and at least one member');
    for (const member of members) {
      if (!this.#names.has(member)) this.refuse(`"${member}" is defined nowhere before it is used`); // Q1
      if (this.#members.has(member)) this.refuse(`"${member}" is in a group already`); // Q2
      this.#members.add(member);
    }
    const needed = rule === 'any' ? 1 : rule === 'all' ? members.length : /^[1-9][0-9]{0,8}$/.test(rule) ? Number(rule) : 0;
    if (needed < 1 || needed > members.length) this.refuse(`"${rule}" of ${members.length} members is no rule: any, all, or a number from 1 to ${members.length}`);
    this.#define(name);
    this.groups.push({ name, needed, members });
  }

  #quorum(words: readonly string[]): void {
    if (words.length !== 1 || this.quorum !== undefined) this.refuse('a policy has one quorum, of one name');
    const [name] = words as [string];
    if (name !== 'none' && !this.#names.has(name)) this.refuse(`"${name}" is defined nowhere before it is used`); // Q1
    this.quorum = name;
  }
}

/** @throws CellError `document.invalid` with the line; `crypto.key` for a verifier key that is none */
export function parseLogPolicy(bytes: Bytes): LogPolicy {
  const reader = new PolicyReader();
  if (bytes.byteLength > LIMITS.documentSizeBytesMax) reader.refuse(`it is longer than ${LIMITS.documentSizeBytesMax} bytes`);
  const text = tryDecodeUtf8(bytes) ?? reader.refuse('it is not valid UTF-8');
  if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text)) reader.refuse('it has a control character other than tab and newline');
  const lines = text.split('\n');
  if (lines.pop() !== '') reader.refuse('its last line has no newline: it may have been cut'); // C2SP tlog-policy, "Structure"
  for (const line of lines) reader.read(line);
  const { logs, witnesses, groups, quorum } = reader;
  return { logs, witnesses, groups, quorum: quorum ?? reader.refuse('it has no quorum') };
}

/** Have enough of the witnesses cosigned? @param cosigned names of the witnesses in the policy */
export function quorumMet({ groups, quorum }: LogPolicy, cosigned: ReadonlySet<string>): boolean {
  const met = new Set(cosigned);
  for (const { name, needed, members } of groups) if (members.filter((member) => met.has(member)).length >= needed) met.add(name); // members stand before their group [Q1]
  return quorum === 'none' || met.has(quorum);
}

/**
 * Reads a checkpoint that the policy believes: signed by one of its logs [Q3], and cosigned by its quorum.
 *
 * @throws CellError `signature.invalid` as {@link parseCheckpoint}, `untrusted` when the quorum is not met
 */
export function verifyCheckpoint(bytes: Bytes, policy: LogPolicy, options: { readonly origin?: string } = {}): Checkpoint {
  const checkpoint = parseCheckpoint(bytes, [...policy.logs, ...policy.witnesses.values()], options);
  if (!checkpoint.logKeys.some((key) => key.name === checkpoint.origin)) refuseNote('untrusted', `the policy has no log "${checkpoint.origin}"`);
  const keys = new Set(checkpoint.cosignatures.map(({ key }) => toHex(key.publicKey)));
  const cosigned = new Set([...policy.witnesses].filter(([, key]) => keys.has(toHex(key.publicKey))).map(([name]) => name));
  if (!quorumMet(policy, cosigned)) refuseNote('untrusted', `${cosigned.size === 0 ? 'no witness' : `only ${[...cosigned].join(', ')}`} of the policy has cosigned it, and its quorum is "${policy.quorum}"`);
  return checkpoint;
}
