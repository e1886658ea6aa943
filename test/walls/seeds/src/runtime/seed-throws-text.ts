// breaks lint: useThrowOnlyError
export function fail(): never {
  throw 'something went wrong';
}
