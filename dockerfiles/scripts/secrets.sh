# Added to env.sh; written by relbuild.
# NAME_FILE gives NAME the content of that file, as secrets of Docker, Swarm and Compose come. What is longer than any
# secret, as the certificates of SSL_CERT_FILE, would be too long for the environment.
for variable in $(export -p | sed -nE 's/^(export|declare -x) ([A-Za-z_][A-Za-z0-9_]*)_FILE=.*/\2/p'); do
  eval "file=\${${variable}_FILE} value=\${$variable:-}"
  if [ -z "$value" ] && [ -f "$file" ] && [ -r "$file" ] && [ -z "$(od -An -j65536 -N1 "$file" 2>/dev/null)" ]; then
    eval "$variable=\$(cat \"\$file\"); export $variable"
  fi
done
unset variable file value

