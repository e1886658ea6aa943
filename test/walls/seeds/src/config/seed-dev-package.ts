// breaks arrows: declared-packages
import canonicalize from 'canonicalize';
export const text = canonicalize;
