# A line of mix.lock is one dependency. What was fetched for the same line is taken up again, and if all else that they
# are compiled by is as it was, what it was compiled to.
grep '^  "' {{ lockfile | shell }} | LC_ALL=C sort >/tmp/locked || true
mkdir -p deps /cache/fetched
touch /cache/fetched-for
LC_ALL=C comm -12 /cache/fetched-for /tmp/locked >/tmp/known
names() { find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' | LC_ALL=C sort; }
# take FROM LOCKED TO: copies the dependencies in a directory that are locked today as they were for it.
take() {
  mkdir -p "$3"
  names "$3" >/tmp/there
  LC_ALL=C comm -12 /tmp/known "$2" | cut -d '"' -f 2 | LC_ALL=C sort | LC_ALL=C comm -23 - /tmp/there >/tmp/wanted
  names "$1" | LC_ALL=C comm -12 - /tmp/wanted | (cd "$1" && xargs -r -d '\n' cp -a -t "$3")
}
now=/cache/now
if [ -e "$now/locked" ] && [ "$(cat "$now/made-by")" = "$({{ made_by }})" ]; then
  take "$now/deps" "$now/locked" "$PWD/deps"
  for lib in "$now"/build/*/lib; do
    if [ -d "$lib" ]; then take "$lib" "$now/locked" {{ build_path | shell }}"${lib#"$now/build"}"; fi
  done
fi
take /cache/fetched /cache/fetched-for "$PWD/deps"
