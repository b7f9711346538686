/** A certificate of its own for `localhost` and 127.0.0.1, good for a hundred years. Protects nothing: its key is here. */

/** The certificate, PEM. */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUDbie4lj069r39id4OoCwn3Mlas8wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTEyMDcyOFoYDzIxMjYxMDI4
MTIwNzI4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQfSAXK3zSZhh4r1lKXDbkmnqkYIh1H2wccwbSQ+/HwLBtOZtVVn4S9
IVuy7tCrmMCl/paNjIF7wX4AJ/y845LHo28wbTAdBgNVHQ4EFgQUOO3d19tX17z5
VBt3ct6pEZMXQJMwHwYDVR0jBBgwFoAUOO3d19tX17z5VBt3ct6pEZMXQJMwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDRwAwRAIgS/af6TmUXiexR3rmx6bANzFBMSh96hxDU2btY9jxs4ECID9l
RFBuDWg3vqrXFi5PhfrhLrgLj/3/B5vsTnsp78d/
-----END CERTIFICATE-----
`

/** Its private key, PEM. */
export const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgq3DXRyW7jVxLsujV
Yz6ERCPXvWSnWSmk9zio6W3O2xihRANCAAQfSAXK3zSZhh4r1lKXDbkmnqkYIh1H
2wccwbSQ+/HwLBtOZtVVn4S9IVuy7tCrmMCl/paNjIF7wX4AJ/y845LH
-----END PRIVATE KEY-----
`
