"""Authorities and certificates for the tests, made by openssl in a folder of theirs."""

import os
import ssl
import subprocess


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


class Authority:
    def __init__(self, folder, name="authority"):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.name = folder, name
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", f"/CN={name}", "-keyout", self.path(name, "key"), "-out", self.path(name, "pem"),
                "-addext", "basicConstraints=critical,CA:TRUE")

    def path(self, name, kind):
        return os.path.join(self.folder, f"{name}.{kind}")

    @property
    def file(self):
        return self.path(self.name, "pem")

    def issue(self, name, subject, usage="clientAuth"):
        """(certificate, key), good for a month."""
        key, request, out, extra = (self.path(name, kind) for kind in ("key", "csr", "pem", "ext"))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject,
                "-keyout", key, "-out", request)
        with open(extra, "w", encoding="ascii") as file:
            file.write(f"extendedKeyUsage={usage}\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.path(self.name, "key"),
                "-CAcreateserial", "-out", out, "-extfile", extra, "-days", "30")
        return out, key

    def issue_expired(self, name, subject):
        """One that was over a year ago: openssl ca takes dates, where x509 counts from now."""
        _, key = self.issue(name, subject)
        index, conf, serial = (self.path(name, kind) for kind in ("index", "conf", "serial"))
        out = self.path(name, "old.pem")
        with open(index, "w", encoding="ascii"):
            pass
        with open(serial, "w", encoding="ascii") as file:
            file.write("77\n")
        with open(conf, "w", encoding="ascii") as file:
            file.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={index}\nserial={serial}\nnew_certs_dir={self.folder}\n"
                       "default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n"
                       "organizationalUnitName=optional\n[x]\nextendedKeyUsage=clientAuth\n")
        openssl("ca", "-batch", "-config", conf, "-extensions", "x", "-cert", self.file, "-keyfile",
                self.path(self.name, "key"), "-in", self.path(name, "csr"), "-out", out, "-notext",
                "-startdate", "20200101000000Z", "-enddate", "20210101000000Z")
        return out, key


def client(authority, identity=None, newest=None):
    """A context that trusts the authority and shows identity, where there is one."""
    context = ssl.create_default_context(cafile=authority.file)
    if identity:
        context.load_cert_chain(*identity)
    if newest:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = newest
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context
