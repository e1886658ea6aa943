/** IP addresses, blocks and endpoints in text, strictly. */

export function isIpv4(text: string): boolean {
  return /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(text);
}

/** RFC 4291 §2.2, without a zone. */
export function isIpv6(text: string): boolean {
  if (text.length > 45) return false;
  const tail = text.slice(text.lastIndexOf(':') + 1);
  const whole = tail.includes('.') ? (isIpv4(tail) ? `${text.slice(0, -tail.length)}0:0` : '!') : text;
  const halves = whole.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  return groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group)) && (halves.length === 2 ? groups.length <= 7 : groups.length === 8);
}

/** An address, or an address and the length of its prefix. */
export function isIpOrBlock(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/');
  if (more.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) return false;
  const bits = isIpv4(address) ? 32 : isIpv6(address) ? 128 : 0;
  return bits > 0 && Number(prefix ?? 0) <= bits;
}

/** `address:port`, IPv6 in brackets. */
export function isAddressAndPort(text: string): boolean {
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const isAddress = bracketed === undefined ? isIpv4(plain ?? '') : isIpv6(bracketed);
  return isAddress && Number(port) >= 1 && Number(port) <= 65535;
}
