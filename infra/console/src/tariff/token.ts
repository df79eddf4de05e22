/**
 * The token that the hall puts into the address after `#`, which browsers do not send.
 *
 * It is taken once and removed from the address bar at once, so that it is neither in the history, nor in a bookmark, nor
 * read over a shoulder. It is never stored.
 */

/** The fragment's name for it: `/tariff/#token=…`. */
const FRAGMENT_PARAMETER = 'token';

/** Takes the token out of the address; `null` where there is none. */
export function takeToken(location: Location, history: History): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get(FRAGMENT_PARAMETER);
  if (location.hash !== '') history.replaceState(history.state, '', location.pathname + location.search);
  return token === '' ? null : token;
}
