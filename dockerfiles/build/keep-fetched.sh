# Kept as they were fetched: what a toolchain then makes of them lies among their sources.
if ! cmp -s /tmp/locked /cache/fetched-for; then
  cp /tmp/known /cache/fetched-for
  cut -d '"' -f 2 /tmp/known | LC_ALL=C sort >/tmp/kept
  names /cache/fetched | LC_ALL=C comm -23 - /tmp/kept | (cd /cache/fetched && xargs -r -d '\n' rm -rf)
  names deps | LC_ALL=C comm -23 - /tmp/kept | (cd deps && xargs -r -d '\n' cp -a -t /cache/fetched)
  cp /tmp/locked /cache/fetched-for
fi
# Without one that they were compiled with, others may come to something else: all are compiled anew.
sed -n 's/^\* \([a-z0-9_]*\) .*/\1/p' /tmp/fetched | LC_ALL=C sort -u >/tmp/used
if [ ! -s /tmp/used ] || [ ! -e /cache/now/used ] || [ -n "$(LC_ALL=C comm -23 /cache/now/used /tmp/used)" ]; then
  rm -rf {{ build_path | shell }}
fi
