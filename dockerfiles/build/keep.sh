# Moved into place when it is whole, so that a build that is cut off leaves nothing half done.
rm -rf /cache/next
mkdir -p /cache/next/build
(cd "$build" && entries . | LC_ALL=C comm -13 /tmp/before - | xargs -r -d '\n' cp -a --parents -t /cache/next/build)
cp /toolchain /tmp/sources /tmp/projects /tmp/links /cache/next/
{% if lockfile %}
cp "$build/dependencies" /cache/next/dependencies
cp {{ lockfile | shell }} /cache/next/lock
{% endif %}
date +%s >/cache/next/time
if [ "$(cat /cache/next/time)" -lt "${now:-0}" ]; then echo "$now" >/cache/next/time; fi
rm -rf /cache/now
mv /cache/next /cache/now
