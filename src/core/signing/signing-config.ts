/**
 * The reference's settings of event signing (reference/02 §5.3), and the steps from an event to what is published.
 *
 *   G1  the first setting that cannot be used is the only one reported, and no warning holds key material;
 *   G2  ours: signing that was asked for and cannot be done is an error, never unsigned events;
 *   G3  ours: an event is redacted, then signed. The reference's sinks do it the other way round, which breaks its signatures.
 */
import { type Bytes, fromBase64Url } from '../../base/bytes.ts';
import { ed25519SigningKey } from '../../base/crypto.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonObject, jsonObject } from '../../base/json.ts';
import type { CloudEvent, SignedEventEnvelope } from '../events/envelope.ts';
import { redactEvent } from '../events/redact.ts';
import { signEvent, signEventHmac, wrapEnvelope } from './envelope.ts';

export interface SigningSettings {
  /** `CELLOS_EVENT_SIGNING` */
  readonly toggle?: string | undefined;
  /** `CELLOS_EVENT_SIGNING_KID` */
  readonly kid?: string | undefined;
  /** `CELLOS_EVENT_SIGNING_KEY_BASE64` */
  readonly key?: string | undefined;
}

export interface SigningWarning {
  readonly var: string;
  /** The setting, or a placeholder for key material. */
  readonly value: string;
  readonly reason: SigningRefusal;
}

export type SigningRefusal = 'unknown-algorithm' | 'kid-unset' | 'kid-empty' | 'key-unset' | 'key-not-base64url' | 'key-length' | 'key-empty';

export type SignEnvelope = (event: CloudEvent) => SignedEventEnvelope;

export interface SigningConfig {
  /** Undefined when nothing is signed. */
  readonly sign?: SignEnvelope;
  readonly warnings: readonly SigningWarning[];
}

const VARS = { toggle: 'CELLOS_EVENT_SIGNING', kid: 'CELLOS_EVENT_SIGNING_KID', key: 'CELLOS_EVENT_SIGNING_KEY_BASE64' } as const;

function unusable(setting: keyof typeof VARS, value: string, reason: SigningRefusal): SigningConfig {
  return { warnings: [{ var: VARS[setting], value, reason }] };
}

/** As the reference reads them: what cannot be used means "unsigned", with a warning. */
export function readSigningSettings(settings: SigningSettings): SigningConfig {
  const toggle = settings.toggle?.trim().toLowerCase() ?? '';
  if (toggle === '' || toggle === 'off') return { warnings: [] };
  const hmac = toggle === 'hmac' || toggle === 'hmac-sha256';
  if (!hmac && toggle !== 'ed25519') return unusable('toggle', settings.toggle?.trim() ?? '', 'unknown-algorithm');
  const kid = settings.kid?.trim();
  if (kid === undefined) return unusable('kid', '', 'kid-unset');
  if (kid === '') return unusable('kid', '', 'kid-empty');
  if (settings.key === undefined) return unusable('key', '', 'key-unset');
  const key = fromBase64Url(settings.key.trim().replace(/=+$/, ''));
  if (key === undefined) return unusable('key', '<base64 decode failed>', 'key-not-base64url');
  if (hmac) return key.byteLength === 0 ? unusable('key', '<empty>', 'key-empty') : { sign: (event) => signEventHmac(event, { kid, key }), warnings: [] };
  if (key.byteLength !== 32) return unusable('key', `<${key.byteLength} bytes>`, 'key-length');
  return { sign: ed25519Sign(kid, key), warnings: [] };
}

function ed25519Sign(kid: string, seed: Bytes): SignEnvelope {
  const signer = { kid, sign: ed25519SigningKey(seed).sign };
  return (event) => signEvent(event, signer);
}

/** Ours [G2]. @throws CellError `config.invalid` when signing was asked for and cannot be done */
export function requireSigningSettings(settings: SigningSettings): SigningConfig {
  const config = readSigningSettings(settings);
  const [warning] = config.warnings;
  if (warning !== undefined) throw new CellError('config.invalid', `Cannot sign events: ${warning.var} is unusable (${warning.reason}); set it, or set ${VARS.toggle}=off`, { facts: { ...warning } });
  return config;
}

/** What is published for an event [G3]. Unsigned when there is nothing to sign with. */
export function publishedEvent(event: CloudEvent, options: { redact: ReadonlySet<string>; sign?: SignEnvelope | undefined }): CloudEvent {
  const redacted = redactEvent(event, options.redact);
  return options.sign === undefined ? redacted : wrapEnvelope(options.sign(redacted));
}

/** The same for the few events that the reference signs one by one: without a key they say of themselves that they are unsigned. */
export function standaloneEvent(event: CloudEvent, options: { redact: ReadonlySet<string>; sign?: SignEnvelope | undefined }): CloudEvent {
  const published = publishedEvent(event, options);
  if (options.sign !== undefined) return published;
  const data = published.data ?? jsonObject({});
  return isJsonObject(data) ? { ...published, data: jsonObject({ ...data, signed: false }) } : published;
}
